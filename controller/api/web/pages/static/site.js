"use strict";

const NARROW_PX = 520;
// Two columns of a legend stand on no less.
const NARROWEST_PX = 340;

// Vega is large: it is read when the first chart is to be drawn.
let vega = null;

function readVega() {
  vega ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.documentElement.dataset.vega;
    script.onload = resolve;
    script.onerror = () => reject(new Error("the charts' code could not be read"));
    document.head.append(script);
  });
  return vega;
}

async function draw(place) {
  const specification = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  // What stands below does not move when the chart comes.
  place.style.minHeight = `${specification.height}px`;
  if (place.clientWidth < NARROW_PX && specification.config !== undefined) {
    const below = { top: { direction: "vertical", anchor: "start" } };
    const columns = place.clientWidth < NARROWEST_PX ? 1 : 2;
    const legend = { columns, labelLimit: 110, layout: below };
    specification.config.legend = { ...specification.config.legend, ...legend };
    specification.config.axisY = { labelLimit: 110 };
    specification.config.axisX = { titleLimit: place.clientWidth - 80 };
  }
  place.dataset.state = "drawing";
  await readVega();
  // The interpreter (`ast`) evaluates expressions without eval, which the page's policy forbids.
  const { view } = await window.vegaEmbed(place, specification, {
    actions: false,
    ast: true,
    defaultStyle: false,
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  });
  view.addEventListener("click", (_event, item) => {
    if (item?.datum?.href) {
      window.location.assign(item.datum.href);
    }
  });
  place.dataset.state = "drawn";
}

function linkSlider(slider) {
  const number = document.getElementById(slider.dataset.for);
  const low = Number(slider.dataset.low);
  const high = Number(slider.dataset.high);
  const isLog = "log" in slider.dataset;
  const none = slider.dataset.noneAt === "high" ? 1000 : 0;
  const say = () => {
    slider.setAttribute("aria-valuetext", number.value === "" ? "any" : number.value);
  };
  slider.addEventListener("input", () => {
    const way = Number(slider.value) / 1000;
    const value = isLog ? low * (high / low) ** way : low + (high - low) * way;
    number.value = Number(slider.value) === none ? "" : Number(value.toPrecision(2));
    say();
  });
  number.addEventListener("input", () => {
    const value = Math.min(Math.max(Number(number.value), low), high);
    const way = isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    slider.value = number.value === "" ? none : Math.round(1000 * way);
    say();
  });
  say();
}

function linkGroup(group) {
  const count = group.querySelector(".count");
  const fields = [...group.querySelectorAll("[name]")];
  group.addEventListener("input", () => {
    const set = fields.filter((field) => field.value !== "").length;
    count.textContent = set === 0 ? "" : `${set} set`;
  });
}

function linkCopy(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(copied.textContent);
      button.textContent = "Copied";
    } catch {
      // Without TLS a browser gives no clipboard: what is selected can be copied by hand.
      window.getSelection().selectAllChildren(copied);
      button.textContent = "Selected";
    }
  });
}

function enliven(root) {
  root.querySelectorAll("[data-chart]:not([data-state])").forEach(draw);
  root.querySelectorAll("input.slider:not([data-linked])").forEach((slider) => {
    slider.dataset.linked = "yes";
    linkSlider(slider);
  });
  root.querySelectorAll("details[data-group]:not([data-linked])").forEach((group) => {
    group.dataset.linked = "yes";
    linkGroup(group);
  });
  root.querySelectorAll("button[data-copy]").forEach(linkCopy);
}

// Parts of a page that are stale are asked for again: where nothing is new, nothing is touched, so
// that whoever reads, scrolls or stands on a button there stays where they are.
const KEPT_UP = "[hx-trigger=stale]";
const AGAIN_MS = 5000;
const shown = new Map();
let following = null;

function partOf(event) {
  const asking = event.detail.requestConfig?.elt ?? event.detail.elt;
  return asking?.matches(KEPT_UP) ? asking : null;
}

function tell(words) {
  const lost = document.getElementById("lost");
  lost.hidden = words === "";
  lost.textContent = words;
}

function refresh() {
  document.querySelectorAll(KEPT_UP).forEach((part) => window.htmx.trigger(part, "stale"));
}

// A page that nobody looks at does not listen: a browser has few connections to a host.
function follow() {
  const isWanted = document.querySelector(KEPT_UP) !== null && !document.hidden;
  if (isWanted === (following !== null)) {
    return;
  }
  following?.close();
  following = isWanted ? new EventSource("/changes") : null;
  following?.addEventListener("changed", refresh);
  following?.addEventListener("error", (event) => {
    // Asking anew tells why it ended. Of itself the browser tries again where it was cut off only.
    refresh();
    if (event.target.readyState === EventSource.CLOSED && event.target === following) {
      following = null;
      setTimeout(follow, AGAIN_MS);
    }
  });
}

document.addEventListener("visibilitychange", follow);
document.addEventListener("htmx:sendError", () => {
  tell("The controller does not answer; what is shown may be old.");
  setTimeout(refresh, AGAIN_MS);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const part = partOf(event);
  if (part === null) {
    return;
  }
  const page = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
  const found = page.getElementById(part.id)?.outerHTML;
  if (event.detail.xhr.status >= 400 || found === undefined) {
    event.detail.shouldSwap = false;
    tell("This page is not kept up any more; load it again.");
    return;
  }
  tell("");
  if (shown.get(part.id) === found) {
    event.detail.shouldSwap = false;
  }
  shown.set(part.id, found);
  part.querySelectorAll(".scroll[id]").forEach((region) => {
    shown.set(region.id, [region.scrollLeft, region.scrollTop]);
  });
});
document.addEventListener("htmx:afterSettle", () => {
  document.querySelectorAll(`${KEPT_UP} .scroll[id]`).forEach((region) => {
    [region.scrollLeft, region.scrollTop] = shown.get(region.id) ?? [0, 0];
  });
  // What has ended is not followed any more.
  follow();
});

document.addEventListener("DOMContentLoaded", () => {
  enliven(document);
  follow();
});
document.addEventListener("htmx:afterSettle", (event) => enliven(event.detail.elt));
