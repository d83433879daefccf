// Times of schedules on the viewer's own clock, where it shows another than those of the schedule
// and of UTC; and the zone of the viewer as the first guess for a new schedule.

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const SHOWN = { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

const clock = (moment, timeZone) =>
  new Intl.DateTimeFormat("en-GB", { ...SHOWN, timeZone }).format(moment).replace(",", "");

function show(root) {
  for (const time of root.querySelectorAll("time[data-zone]")) {
    const place = time.parentElement.querySelector("[data-here]");
    const moment = new Date(time.dateTime);
    const here = clock(moment, HERE);
    const told = [clock(moment, time.dataset.zone), clock(moment, "UTC")];
    if (!place || told.includes(here)) continue;
    place.textContent = `${here} for you`;
    place.hidden = false;
  }
}

function guess() {
  const field = document.querySelector("[data-guess-zone] input");
  const isKnown = [...document.querySelectorAll("#zones option")].some((one) => one.value === HERE);
  if (!field || !isKnown || field.value === HERE) return;
  field.value = HERE;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

show(document);
// Once htmx listens, so that the times are those of the guess.
addEventListener("load", guess);
new MutationObserver((changes) => {
  for (const change of changes) if (change.addedNodes.length) show(change.target);
}).observe(document.querySelector("#main"), { childList: true, subtree: true });
