// Following the list while sessions come in. Nothing moves until the reader asks for it.

const EVERY = 5_000;
const AT_MOST = 60_000;
// A list that has grown longer than this begins anew.
const MOST_ROWS = 200;
const NOT_CARRIED = ["cursor", "live", "after", "open", "remember"];
// Cells that are left alone: what was selected, and what may have the focus.
const LEFT_ALONE = ["c-box", "c-session"];

// live: the link that says that the list is followed; table: null while the list is empty.
export function follow(live, table, onRows) {
  const bar = document.querySelector("[data-live-bar]");
  const said = document.querySelector("[data-live-said]");
  let after = table?.dataset.after ?? "";
  let wait = EVERY;
  let timer = 0;
  let lastRow = null;

  function address(path, more) {
    const url = new URL(path, location.href);
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (!NOT_CARRIED.includes(name)) url.searchParams.append(name, value);
    }
    for (const [name, value] of Object.entries(more)) if (value) url.searchParams.set(name, value);
    return url;
  }

  async function read(url) {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (answer.redirected || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) return stop();
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  // Signed out, or no longer allowed: asking again would not help.
  function stop() {
    clearTimeout(timer);
    wait = Infinity;
    live.textContent = "Live: stopped";
    said.textContent = "The list is no longer live. Load the page again.";
    return null;
  }

  async function poll() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const page = await read(address(live.dataset.live, { after, open: openRows() }));
      if (page) show(page.querySelector("[data-newer]"));
      if (wait !== Infinity) wait = EVERY;
    } catch {
      wait = Math.min(wait * 2, AT_MOST);
    }
    if (wait !== Infinity) timer = setTimeout(poll, wait);
  }

  function openRows() {
    const open = table ? [...table.querySelectorAll("[data-row][data-open]")] : [];
    const inSight = open.filter((row) => {
      const box = row.getBoundingClientRect();
      return box.bottom > 0 && box.top < innerHeight;
    });
    return inSight.slice(0, 50).map((row) => row.dataset.session).join(",");
  }

  function show(answer) {
    for (const row of answer.querySelectorAll("[data-row]")) refresh(row);
    const count = Number(answer.dataset.newer);
    const text = `${count}${"more" in answer.dataset ? "+" : ""} new session${count === 1 ? "" : "s"}`;
    bar.querySelector("[data-live-text]").textContent = text;
    if (count && bar.hidden) said.textContent = text;
    bar.hidden = !count;
  }

  function refresh(row) {
    const there = table.querySelector(`[data-session="${row.dataset.session}"]`);
    if (!there) return;
    there.toggleAttribute("data-open", row.hasAttribute("data-open"));
    const cells = [...row.cells];
    for (const cell of there.cells) {
      const now = cells.find((other) => other.className === cell.className);
      const isLeft = LEFT_ALONE.includes(cell.className) || cell.contains(document.activeElement);
      if (!now || isLeft) continue;
      if (now.title) cell.title = now.title;
      if (now.innerHTML !== cell.innerHTML) cell.replaceChildren(...now.childNodes);
    }
  }

  async function prepend() {
    if (!table || table.rows.length > MOST_ROWS) return location.reload();
    const page = await read(address(location.pathname, { cursor: after }));
    const list = page?.querySelector("[data-list]");
    if (!list) return location.reload();
    insert([...list.querySelectorAll("[data-row]")]);
    after = list.dataset.after;
    bar.hidden = true;
    said.textContent = "";
    poll();
  }

  function insert(fresh) {
    const body = table.tBodies[0];
    const first = body.rows[0];
    for (const row of body.querySelectorAll(".fresh")) row.classList.remove("fresh");
    const isAtTop = scrollY === 0;
    const top = first?.getBoundingClientRect().top;
    const added = fresh.filter((row) => !table.querySelector(`[data-session="${row.dataset.session}"]`));
    for (const row of added) row.classList.add("fresh");
    body.prepend(...added);
    (lastRow?.isConnected ? lastRow : (added[0] ?? first))?.querySelector("a[data-row-link]").focus({ preventScroll: true });
    // Whoever reads further down keeps their place, whatever the browser does by itself.
    if (first && !isAtTop) scrollBy(0, first.getBoundingClientRect().top - top);
    onRows();
  }

  table?.addEventListener("focusin", (event) => { lastRow = event.target.closest("[data-row]"); });
  bar.querySelector("[data-live-show]").addEventListener("click", prepend);
  document.addEventListener("visibilitychange", () => { if (wait !== Infinity) poll(); });
  timer = setTimeout(poll, EVERY);
}
