// What is wrong with a page, found by its own elements; [width, contrast] of this screen.
([width, contrast]) => {
  const faults = [], say = (fault) => { if (!faults.includes(fault)) faults.push(fault); };
  const all = (what) => [...document.querySelectorAll(what)];
  if (!document.title.trim()) say("no title");
  if (!document.documentElement.lang) say("no language");
  for (const each of all("img")) {
    if (!(each.complete && each.naturalWidth)) say("a picture doesn't load: " + each.alt.slice(0, 40));
    if (!each.alt.trim()) say("a picture without words: " + each.src.slice(0, 60));
  }
  const levels = all("h1, h2, h3, h4, h5, h6").map((each) => Number(each.tagName[1]));
  if (levels.filter((each) => each === 1).length !== 1 || levels[0] !== 1) say("not one h1, first of all heads");
  levels.forEach((each, place) => { if (place && each > levels[place - 1] + 1) say(`h${each} after h${levels[place - 1]}`); });
  const names = all("[id]").map((each) => each.id);
  names.forEach((each, place) => { if (names.indexOf(each) !== place) say("two elements are #" + each); });
  for (const each of all('a[href^="#"]')) if (each.hash && !document.getElementById(decodeURIComponent(each.hash.slice(1)))) say("a link leads nowhere: " + each.hash);
  for (const each of all("input:not([type=hidden]), button, select, textarea")) {
    const label = each.getAttribute("aria-label") || each.textContent.trim() || (each.labels && each.labels.length);
    if (!label) say("a field without a name: " + each.outerHTML.slice(0, 60));
  }
  const room = document.scrollingElement.scrollWidth;
  if (room > width + 1) say(`${room} pixels wide on a screen of ${width}`);
  const numbers = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0);
  const isClear = (colour) => numbers(colour).length === 4 && numbers(colour)[3] === 0;
  const behind = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!isClear(colour)) return colour;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)";
  };
  for (const each of all("body *")) {
    const own = [...each.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own.length || !each.checkVisibility() || ["SCRIPT", "STYLE"].includes(each.tagName)) continue;
    const [one, other] = [light(getComputedStyle(each).color), light(behind(each))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < contrast) say(`contrast ${ratio.toFixed(1)}: ` + own[0].textContent.trim().slice(0, 40));
  }
  return faults;
}
