"use strict";
// A click on a head sorts its table's rows; a second one turns them. Without it the page reads as it is.
function key(row, place) {
  const cell = row.cells[place];
  const shown = (cell && cell.firstChild ? cell.firstChild.textContent : "").trim();
  const power = shown.match(/^(-?[\d.]+)·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/);
  const digits = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹";
  const exponent = power && [...power[2]].map((each) => "-0123456789"[digits.indexOf(each)]).join("");
  const plain = power ? power[1] + "e" + exponent : shown.replace(/[,%\u2009]/g, "");
  return plain !== "" && !isNaN(plain) ? Number(plain) : shown;
}
function compare(left, right) {
  const numbers = (typeof left === "number") - (typeof right === "number");
  if (numbers) return -numbers;
  return typeof left === "number" ? left - right : left.localeCompare(right);
}
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, place) => {
    head.classList.add("sortable");
    head.tabIndex = 0;
    const sort = () => {
      const turned = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", turned > 0 ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((left, right) => turned * compare(key(left, place), key(right, place)));
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
