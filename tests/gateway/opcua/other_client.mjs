// What an OPC UA client of other people's makes of the server: node-opcua (npm), told what to do on the command line, tells what it saw
// as one JSON object. node other_client.mjs ENDPOINT FOLDER USER PASSWORD MODE QUEUE
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.NODE_OPCUA, "package.json"));
const opcua = require("node-opcua-client");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const [endpoint, folder, user, password, mode, queue] = process.argv.slice(2);
const id = (text) => `ns=2;s=${text}`;

const seen = { changes: [], events: [] };
// Its own trust store: whatever server it meets is taken, for that is not what is tried here.
const certificates = new OPCUACertificateManager({ rootFolder: path.join(folder, "node-pki"), automaticallyAcceptUnknownCertificate: true });
await certificates.initialize();
const client = opcua.OPCUAClient.create({
  applicationUri: "urn:example:client",
  certificateFile: path.join(folder, "client.pem"),
  privateKeyFile: path.join(folder, "client-key.pem"),
  clientCertificateManager: certificates,
  securityMode: mode === "Sign" ? opcua.MessageSecurityMode.Sign : opcua.MessageSecurityMode.SignAndEncrypt,
  securityPolicy: opcua.SecurityPolicy.Basic256Sha256,
  endpointMustExist: false,
  connectionStrategy: { maxRetry: 0 },
});
const step = async (name, work) => {
  try {
    seen[name] = await work();
  } catch (fault) {
    seen[name] = { error: fault.message };
  }
};

await client.connect(endpoint);
const login = { type: opcua.UserTokenType.UserName, userName: user, password };
let session;
await step("login", async () => {
  session = await client.createSession(user ? login : { type: opcua.UserTokenType.Anonymous });
  return "done";
});
if (session) {
  await step("browse", async () => {
    const found = await session.browse(id("callfloor"));
    return found.references.map((each) => each.browseName.name);
  });
  await step("read", async () => {
    const value = await session.read({ nodeId: id(`queues/${queue}/waiting`), attributeId: opcua.AttributeIds.Value });
    return { value: value.value.value, status: value.statusCode.name, type: opcua.DataType[value.value.dataType], source: value.sourceTimestamp };
  });
  await step("unknown", async () => (await session.read({ nodeId: id(`queues/${queue}/today/asa`) })).statusCode.name);
  await step("unit", async () => {
    const found = await session.translateBrowsePath(opcua.makeBrowsePath(id(`queues/${queue}/longest_wait`), ".0:EngineeringUnits"));
    const unit = await session.read({ nodeId: found.targets[0].targetId });
    return { id: unit.value.value.unitId, name: unit.value.value.displayName.text };
  });
  await step("arguments", async () => {
    const told = await session.getArgumentDefinition(id("commands/announce"));
    return told.inputArguments.map((each) => each.name);
  });
  const text = (value) => ({ dataType: opcua.DataType.String, value });
  const call = async (name, ...args) => {
    const node = id(name);
    const found = await session.call({ objectId: node.slice(0, node.lastIndexOf("/")), methodId: node, inputArguments: args });
    return { status: found.statusCode.name, out: (found.outputArguments ?? []).map((each) => each.value) };
  };
  await step("ping", () => call("commands/ping", text(`node-${user}`)));
  await step("again", () => call("commands/ping", text(`node-${user}`)));
  await step("wrong", () => call("commands/announce", { dataType: opcua.DataType.Double, value: 1 }));
  await step("rig", async () => (await session.read({ nodeId: id("extra/rig/lamp/lit") })).statusCode.name);
  await step("write", async () => (await session.write({ nodeId: id("site"), attributeId: opcua.AttributeIds.Value, value: { value: text("x") } })).name);

  const subscription = await session.createSubscription2({ requestedPublishingInterval: 50, publishingEnabled: true, maxNotificationsPerPublish: 0 });
  const item = await subscription.monitor(
    { nodeId: id(`queues/${queue}/waiting`), attributeId: opcua.AttributeIds.Value },
    { samplingInterval: 0, queueSize: 10, discardOldest: true },
    opcua.TimestampsToReturn.Both,
  );
  // At once: the first value comes while the next is awaited.
  const changed = new Promise((resolve) => {
    item.on("changed", (value) => {
      seen.changes.push([value.value.value, value.statusCode.name]);
      if (value.value.value === 2) resolve();
    });
  });
  const events = await subscription.monitor(
    { nodeId: "i=2253", attributeId: opcua.AttributeIds.EventNotifier },
    { queueSize: 100, discardOldest: true, filter: opcua.constructEventFilter(["EventType", "Severity", "Message", "2:Alarm", "2:State"]) },
    opcua.TimestampsToReturn.Both,
  );
  const told = new Promise((resolve) => {
    events.on("changed", (fields) => {
      const [, severity, message, alarm, state] = fields.map((each) => each.value);
      seen.events.push([severity, message?.text, alarm, state]);
      if (state === "raised") resolve();
    });
  });
  const late = new Promise((resolve) => setTimeout(resolve, 30000, "late").unref());
  // Both are in place: whoever started this makes something happen now.
  process.stdout.write("ready\n");
  seen.followed = (await Promise.race([Promise.all([changed, told]), late])) === "late" ? "late" : "done";
  await subscription.terminate();
  await session.close();
}
await client.disconnect();
process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exit(0);
