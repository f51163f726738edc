"use strict";

// Vega is large: it is read when the first chart is to be drawn.
let vega = null;

function readVega() {
  vega ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/static/vega.js";
    script.onload = resolve;
    script.onerror = () => reject(new Error("the charts' code could not be read"));
    document.head.append(script);
  });
  return vega;
}

async function draw(place) {
  const specification = JSON.parse(document.getElementById(place.dataset.chart).textContent);
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

document.addEventListener("DOMContentLoaded", () => enliven(document));
document.addEventListener("htmx:afterSettle", (event) => enliven(event.detail.elt));
