"use strict";
// A click on a head sorts its table's rows; a second one turns them. A long table gets a field that leaves the
// rows with all words that are typed there. Rows of the teacher and of other references stay on top and in
// sight, and cells without a number stay below. Without this script the page reads as it is.
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const FILTERED_FROM = 8;
function shown(row, place) {
  const cell = row.cells[place];
  return (cell && cell.firstChild ? cell.firstChild.textContent : "").trim();
}
// '3.80·10⁻⁴', '1,234' or '96.57%' as a number; NaN of anything else, a digest such as '12e4…' too.
function value(words) {
  const power = words.match(/^(-?[\d.]+)·10(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/);
  if (power) {
    const exponent = [...power[3]].map((each) => SUPERSCRIPTS.indexOf(each)).join("");
    return Number(power[1] + "e" + (power[2] && "-") + exponent);
  }
  return /^-?[\d,]+(\.\d+)?%?$/.test(words) ? Number(words.replace(/[,%]/g, "")) : NaN;
}
function order(rows, place, isText, turned) {
  const isAbsent = (row) => ["", "–"].includes(shown(row, place));
  const there = rows.filter((row) => !isAbsent(row));
  const isNumeric = !isText && there.every((row) => !isNaN(value(shown(row, place))));
  const compare = (left, right) =>
    isNumeric ? value(left) - value(right) : left.localeCompare(right, "en", { numeric: !isText });
  there.sort((left, right) => turned * compare(shown(left, place), shown(right, place)));
  return [...there, ...rows.filter(isAbsent)];
}
const isFixed = (row) => row.classList.contains("teacher");
function makeSortable(table) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, place) => {
    head.classList.add("sortable");
    head.tabIndex = 0;
    const sort = () => {
      const turned = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", turned > 0 ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      const moved = rows.filter((row) => !isFixed(row));
      table.tBodies[0].append(
        ...rows.filter(isFixed), ...order(moved, place, head.classList.contains("mono"), turned));
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort();
    });
  });
}
function makeFilterable(table) {
  const rows = [...table.tBodies[0].rows].filter((row) => !isFixed(row));
  if (rows.length < FILTERED_FROM) return;
  const [line, field, told] = ["p", "input", "output"].map((each) => document.createElement(each));
  line.className = "filter";
  field.type = "search";
  field.placeholder = "Filter rows";
  field.setAttribute("aria-label", "Show only rows with these words");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => words.every((word) => row.textContent.toLowerCase().includes(word));
    rows.forEach((row) => { row.hidden = !fits(row); });
    const left = rows.filter((row) => !row.hidden).length;
    told.textContent = words.length ? `${left} of ${rows.length} rows` : "";
  });
  line.append(field, told);
  (table.closest(".scroll") || table).before(line);
}
for (const table of document.querySelectorAll("table")) {
  if (!table.tHead || !table.tBodies.length) continue;
  makeSortable(table);
  makeFilterable(table);
}
