// Following how something goes on: the server tells, or is asked where its stream does not arrive.

// It is told every five seconds though nothing changed.
const STALE = 8_000;
const EVERY = 3_000;
const AT_MOST = 60_000;
// A stream that breaks so often in a row is given up.
const MOST_BREAKS = 3;

function follow(box) {
  const address = box.dataset.progress;
  const told = box.querySelector("[data-progress-told]");
  const how = box.querySelector("[data-progress-how]");
  const says = box.querySelector("[data-progress-says]");
  let stream = null;
  let breaks = 0;
  let timer = 0;
  let wait = EVERY;
  let heard = Date.now();
  let word = "connecting";
  let said = told.firstElementChild?.dataset.says ?? "";
  let shown = "";

  // The server's own part of a page, in which recorded text is escaped.
  function show(found) {
    heard = Date.now();
    breaks = 0;
    if (found.html !== shown) told.innerHTML = shown = found.html;
    const now = told.firstElementChild?.dataset.says ?? "";
    if (now !== said) says.textContent = said = now;
    document.dispatchEvent(new CustomEvent("ph:progress"));
    // What can be done now, and what came of it, is on the page.
    if (found.state !== box.dataset.state) leave(() => location.reload());
  }

  function leave(then) {
    stop("loading");
    setTimeout(then, 600);
  }

  function stop(last) {
    stream?.close();
    stream = null;
    clearTimeout(timer);
    wait = Infinity;
    word = last;
    tell();
  }

  function tell() {
    const silent = Date.now() - heard;
    const age = silent > STALE ? `, stale ${Math.round(silent / 1000)} s` : "";
    how.textContent = wait === Infinity ? word : `${word}${age}`;
    // Whatever lies between collects what is streamed: then one asks.
    if (stream && silent > STALE && word === "connecting") poll();
  }

  function listen() {
    stream?.close();
    word = "connecting";
    heard = Date.now();
    stream = new EventSource(address);
    stream.addEventListener("progress", (event) => {
      word = "live";
      show(JSON.parse(event.data));
      tell();
    });
    stream.addEventListener("end", (event) => {
      if (JSON.parse(event.data).why === "over") leave(() => location.reload());
      else stop("not live any more: load the page again");
    });
    stream.addEventListener("error", () => {
      breaks += 1;
      if (stream?.readyState === EventSource.CLOSED || breaks >= MOST_BREAKS) poll();
    });
  }

  async function poll() {
    stream?.close();
    stream = null;
    clearTimeout(timer);
    if (document.hidden || wait === Infinity) return;
    word = "polling";
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      const isBarred = answer.redirected || [401, 403, 404].includes(answer.status);
      if (isBarred) return stop("not live any more: load the page again");
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      show(await answer.json());
      if (wait !== Infinity) wait = EVERY;
    } catch {
      wait = Math.min(wait * 2, AT_MOST);
    }
    tell();
    if (wait !== Infinity) timer = setTimeout(poll, wait * (0.75 + Math.random() / 2));
  }

  // A browser has few connections to a server, and a page that nobody sees needs none.
  document.addEventListener("visibilitychange", () => {
    if (wait === Infinity) return;
    stream?.close();
    stream = null;
    clearTimeout(timer);
    if (!document.hidden) word === "polling" ? poll() : listen();
  });
  setInterval(tell, 1_000);
  if (!document.hidden) listen();
}

for (const box of document.querySelectorAll("[data-progress]")) follow(box);
