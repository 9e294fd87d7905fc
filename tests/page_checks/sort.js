// The columns whose rows a click on the head doesn't put in order, or a second one not the other way round.
() => {
  const faults = [], digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const number = (words) => {
    const [, base, sign, power] = words.match(/^(-?[\d.,]+)%?(?:·10(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+))?$/) || [];
    const tens = power ? Number((sign && "-") + [...power].map((each) => digits.indexOf(each)).join("")) : 0;
    return base === undefined ? NaN : Number(base.replace(/,/g, "")) * 10 ** tens;
  };
  for (const table of document.querySelectorAll("table")) {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    heads.forEach((head, place) => {
      for (const way of [1, -1]) {
        head.click();
        const cells = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("teacher"))
          .map((row) => row.cells[place]).filter((cell) => cell && cell.firstChild);
        const words = cells.map((cell) => cell.firstChild.textContent.trim()).filter((each) => !["", "–"].includes(each));
        const isText = head.classList.contains("mono") || words.some((each) => isNaN(number(each)));
        const compare = (one, other) =>
          isText ? one.localeCompare(other, "en", { numeric: !head.classList.contains("mono") }) : number(one) - number(other);
        if (words.some((each, at) => at && way * compare(words[at - 1], each) > 0))
          faults.push("a column doesn't sort: " + head.textContent.trim());
      }
    });
  }
  return faults;
}
