"use strict";

// Vega's interpreter (`ast`) evaluates expressions without eval, which the page's policy forbids.
async function drawChart() {
  const specification = JSON.parse(document.getElementById("chart-specification").textContent);
  const options = { actions: false, ast: true, renderer: "svg" };
  await window.vegaEmbed("#chart", specification, options);
  document.documentElement.dataset.chart = "drawn";
}

function sortValue(row, column) {
  const text = row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const number = Number(text);
  return text === "" || Number.isNaN(number) ? text : number;
}

function compare(left, right) {
  if (typeof left === "number" && typeof right === "number") {
    return left - right;
  }
  return String(left).localeCompare(String(right));
}

function sortBy(table, heading) {
  const isAscending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) {
    other.removeAttribute("aria-sort");
  }
  heading.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((left, right) => {
    const order = compare(sortValue(left, heading.cellIndex), sortValue(right, heading.cellIndex));
    return isAscending ? order : -order;
  });
  body.append(...rows);
}

function makeSortable(table) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, heading));
    heading.append(button);
  }
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
drawChart();
