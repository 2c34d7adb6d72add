"""A certificate for a one-time code, over real TLS, from the reference CRM's enrolment server; by file; renewed; and what is refused."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.main import main
from appliance.core.clock import NS, ManualClock, SystemClock
from appliance.core.errors import CorruptError, DeniedError, MisconfiguredError, TransientError
from appliance.enroll import est, identity, work
from appliance.enroll.keep import Place
from appliance.enroll.renewal import due_s
from appliance.sim.enrolment import Authority, EnrolmentServer

BOX = "quito/p3"
CODE = "7f3a-9921"
CLOCK = SystemClock()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EnrolmentServer]:
    server = EnrolmentServer(tmp_path / "crm", ("127.0.0.1", 0), {BOX: CODE, "quito/p4": "other"})
    yield server
    server.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "tls")


def enrolled(place: Place, server: EnrolmentServer, code: str = CODE) -> identity.Issued:
    return work.enrol(place, BOX, server.url, code, server.authority.file.read_bytes(), CLOCK)


def test_a_code_gives_a_certificate_that_a_tls_server_takes(place: Place, server: EnrolmentServer) -> None:
    issued = enrolled(place, server)
    assert issued.subject == BOX
    assert server.issued == [BOX]
    context = ssl.create_default_context(cafile=str(place.ca))
    context.load_cert_chain(place.box)  # key and certificate belong together, in one file
    assert place.box.stat().st_mode & 0o777 == 0o600
    assert place.folder.stat().st_mode & 0o777 == 0o700
    assert not place.pending.exists()
    assert work.show(place) == issued


def test_a_code_is_good_once_and_for_one_box(place: Place, server: EnrolmentServer) -> None:
    with pytest.raises(DeniedError, match="401"):
        enrolled(place, server, "other")
    assert work.show(place) is None
    first = enrolled(place, server)
    with pytest.raises(DeniedError, match="ask the CRM team for a new one"):
        enrolled(place, server)
    assert work.show(place) == first, "what the box had, it has"


def test_an_answer_that_was_lost_is_given_again_to_the_same_key(place: Place, server: EnrolmentServer) -> None:
    """Power cut between the server's answer and the disk: the code is used, the key is pending, and nobody has to be called."""
    key = identity.new_key()
    place.put_pending(key)
    asked = est.server_from_url(server.url)
    est.enrol(asked, est.trust(server.authority.file.read_bytes()), identity.request(key, BOX), BOX, CODE)
    assert enrolled(place, server).subject == BOX
    current = place.current()
    assert current is not None
    assert current[1] == key


def test_a_server_that_cannot_prove_itself_gets_no_code(place: Place, server: EnrolmentServer, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    with pytest.raises(DeniedError, match="cannot prove who it is"):
        work.enrol(place, BOX, server.url, CODE, stranger.file.read_bytes(), CLOCK)
    with pytest.raises(DeniedError, match="cannot prove who it is"):
        work.enrol(place, BOX, server.url, CODE, None, CLOCK)
    assert server.codes[BOX] == CODE


def test_asking_again_while_somebody_confirms_asks_for_the_same_key(place: Place, server: EnrolmentServer) -> None:
    server.confirm.add(BOX)
    with pytest.raises(est.Waiting) as waiting:
        enrolled(place, server)
    assert waiting.value.after_s == 1.0
    key = place.pending_key()
    server.confirm.clear()
    enrolled(place, server)
    current = place.current()
    assert current is not None
    assert current[1] == key


def test_renewed_with_a_new_key_by_the_certificate_itself_when_it_is_due(place: Place, server: EnrolmentServer) -> None:
    first = enrolled(place, server)
    assert work.renew(place, BOX, CLOCK) is None, "not due"
    late = ManualClock(wall_ns=int((first.not_after_s - 86400) * NS))
    server.codes.clear()
    second = work.renew(place, BOX, late)
    assert second is not None
    assert second.chain != first.chain
    assert place.previous.read_bytes().startswith(first.chain)
    assert first.not_before_s < due_s(BOX, first.not_before_s, first.not_after_s) < first.not_after_s


def test_a_renewal_that_fails_keeps_what_there_is(place: Place, server: EnrolmentServer) -> None:
    first = enrolled(place, server)
    server.close()
    with pytest.raises(TransientError, match="cannot be reached"):
        work.renew(place, BOX, CLOCK, early=True)
    assert work.show(place) == first


def test_by_file_where_the_crm_issues_by_hand(place: Place, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with pytest.raises(MisconfiguredError, match="--request"):
        work.install(place, BOX, tmp_path / "none.pem", None, CLOCK)
    work.write_request(place, BOX, tmp_path / "box.csr")
    csr = x509.load_pem_x509_csr((tmp_path / "box.csr").read_bytes())
    assert "PRIVATE" not in (tmp_path / "box.csr").read_text()
    key = csr.public_key()
    answer = tmp_path / "box.crt"

    def put(subject: x509.Name, life: timedelta) -> None:
        answer.write_bytes(authority.issue(subject, key, life).public_bytes(identity.Encoding.PEM))  # type: ignore[arg-type]

    put(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "quito/p9")]), timedelta(days=9))
    with pytest.raises(CorruptError, match="'quito/p9', this box is 'quito/p3'"):
        work.install(place, BOX, answer, authority.file, CLOCK)
    put(csr.subject, timedelta(hours=-1))
    with pytest.raises(CorruptError, match="expired"):
        work.install(place, BOX, answer, authority.file, CLOCK)
    put(csr.subject, timedelta(days=9))
    other = Authority(tmp_path / "other")
    with pytest.raises(CorruptError, match="no authority that this box trusts"):
        work.install(place, BOX, answer, other.file, CLOCK)
    assert work.show(place) is None
    assert work.install(place, BOX, answer, authority.file, CLOCK).subject == BOX
    with pytest.raises(MisconfiguredError, match="by file"):
        work.renew(place, BOX, CLOCK)


def test_a_certificate_for_another_key_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    other = identity.request(identity.new_key(), BOX)
    leaf = authority.issue(other.subject, other.public_key(), timedelta(days=1))  # type: ignore[arg-type]
    with pytest.raises(CorruptError, match="another key"):
        identity.judge(identity.new_key(), BOX, [leaf], [authority.root], None)


class Rude(BaseHTTPRequestHandler):
    """An enrolment server that answers whatever the test says."""

    said: tuple[int, bytes] = (200, b"")

    def do_GET(self) -> None:
        self.send_response(self.said[0])
        self.end_headers()
        self.wfile.write(self.said[1])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, b"<html>", CorruptError),
        (200, base64.b64encode(b"\x30\x80"), CorruptError),
        (200, b"A" * 300_000, CorruptError),
        (204, b"", DeniedError),
        (301, b"elsewhere", DeniedError),
        (403, b"\x1b[2Jno\nnever", DeniedError),
        (503, b"later", TransientError),
    ],
)
def test_what_is_no_answer_is_a_clear_fault(
    server: EnrolmentServer, tmp_path: Path, status: int, body: bytes, fault: type[Exception]
) -> None:
    class Handler(Rude):
        said = (status, body)

    rude = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crm" / "server.pem")
    rude.socket = context.wrap_socket(rude.socket, server_side=True)
    thread = threading.Thread(target=rude.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        asked = est.server_from_url(f"https://localhost:{rude.server_address[1]}")
        with pytest.raises(fault) as raised:
            est.authorities(asked, est.trust(server.authority.file.read_bytes()))
        assert str(raised.value).isprintable()
    finally:
        rude.shutdown()
        rude.server_close()
        thread.join()


@pytest.mark.parametrize("url", ["http://crm", "https://", "https://u:p@crm", "crm", "https://crm:port", "https://[::1"])
def test_only_https_is_asked(url: str) -> None:
    with pytest.raises(MisconfiguredError):
        est.server_from_url(url)


def test_a_path_of_its_own_is_taken_as_the_base() -> None:
    assert est.server_from_url("https://crm/enrol/").path == "/enrol"
    assert est.server_from_url("https://crm").path == "/.well-known/est"


@given(st.binary(max_size=200))
def test_damage_of_the_kept_file_is_told_and_never_a_crash(content: bytes) -> None:
    with pytest.raises(CorruptError, match="PEM"):
        identity.read_certificates(content)


@given(st.text(min_size=1, max_size=40), st.floats(0, 2e9), st.floats(1, 1e9))
def test_renewal_lies_within_the_second_half_of_a_life(name: str, begins_s: float, life_s: float) -> None:
    share = (due_s(name, begins_s, begins_s + life_s) - begins_s) / life_s
    assert 0.5 < share < 0.7


def test_the_verb_from_the_code_to_what_it_says(server: EnrolmentServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tls = tmp_path / "tls"
    config = tmp_path / "callfloor.toml"
    config.write_text(
        f'[site]\nname = "quito"\nbox = "p3"\n[crm]\nurl = "mqtts://crm.example.com"\ncert_file = "{tls}/box.pem"\nkey_file = "{tls}/box.pem"\n'
    )
    (tmp_path / "code").write_text(CODE + "\n")
    common = ["--folder", str(tls), "-c", str(config), "--lang", "es"]

    assert main(["enroll", *common]) == 1
    assert "no tiene certificado" in capsys.readouterr().err
    words = [server.url, "--kept-code", str(tmp_path / "code"), "--ca", str(server.authority.file)]
    assert main(["enroll", *words, *common]) == 0
    assert not (tmp_path / "code").exists(), "the first start's code goes once it was used"
    said = capsys.readouterr().out
    assert "certificado de quito/p3" in said
    assert CODE not in said
    assert main(["enroll", "--renew", *common]) == 0
    assert capsys.readouterr().out.startswith("todavía no")
    assert main(["enroll", "--renew", "--now", "--json", *common]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["renewed"] is True
    assert found["configured"] is True
    assert found["certificate"]["subject"] == BOX

    # A new code where it was enrolled before: who vouches for that server is known already.
    server.codes[BOX] = "2nd-code"
    (tmp_path / "code").write_text("2nd-code\n")
    assert main(["enroll", server.url, "--code-file", str(tmp_path / "code"), *common]) == 0
    assert server.issued == [BOX] * 3
