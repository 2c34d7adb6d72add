// Decides when a page that stands in a board's stead looks again: every few seconds, and only through a box that answers,
// so that a TV never ends on the browser's own error page.

const EVERY_MS = 3000;
const mark = `data-revision="${document.body.dataset.revision}"`;

async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const text = await answer.text();
    if ((answer.ok || answer.status === 404) && !text.includes(mark)) location.reload();
  } catch {
    // the box is away: later
  }
}

setInterval(look, EVERY_MS);
