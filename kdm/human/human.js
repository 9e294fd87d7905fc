"use strict";
// Asks one pair after another and keeps the answers in this browser until they are saved as a file.
const { study, questions } = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const FORMAT = "kdm-human-answers-1";
let rater = "";
let asked = [];
let answers = [];
let shownAt = 0;

// FNV-1a of a text, then a generator (mulberry32): a rater's code decides order and sides.
function randomOf(words) {
  let state = 2166136261;
  for (const letter of words) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
function inOrderOf(code) {
  const random = randomOf(study + "/" + code);
  const order = [...questions];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order.map((each) => {
    const [one, other] = each.collages;
    const [left, right] = random() < 0.5 ? [one, other] : [other, one];
    return { question: each.question, left, right };
  });
}
const place = () => "kdm-human/" + study + "/" + rater;
function keep() {
  try {
    localStorage.setItem(place(), JSON.stringify(answers));
  } catch {
    at("said").textContent = "This browser keeps nothing for this page: save what you have before you close it.";
  }
}
function kept() {
  try {
    return JSON.parse(localStorage.getItem(place()) || "[]");
  } catch {
    return [];
  }
}
function show(id) {
  for (const each of ["start", "ask", "end"]) at(each).hidden = each !== id;
}
function next() {
  if (answers.length >= asked.length) {
    show("end");
    at("save").focus();
    return;
  }
  const { left, right } = asked[answers.length];
  at("left").firstElementChild.src = "data:image/png;base64," + left.png;
  at("right").firstElementChild.src = "data:image/png;base64," + right.png;
  at("done").value = answers.length;
  at("where").textContent = "Pair " + (answers.length + 1) + " of " + asked.length;
  at("back").disabled = !answers.length;
  show("ask");
  shownAt = performance.now();
}
function choose(side) {
  const { question, left, right } = asked[answers.length];
  const chosen = side === "left" ? left : right;
  answers.push({
    question,
    left: left.name,
    right: right.name,
    chosen: chosen.name,
    milliseconds: Math.round(performance.now() - shownAt),
  });
  keep();
  next();
}
function back() {
  answers.pop();
  keep();
  next();
}
function begin(code, before) {
  rater = code;
  asked = inOrderOf(code);
  // Only what this study asked this rater, in its order.
  answers = before.filter((each, number) => each && asked[number] && each.question === asked[number].question);
  at("said").textContent = answers.length ? answers.length + " of your answers were kept." : "";
  next();
}
function save() {
  const document_ = {
    format: FORMAT,
    study,
    rater,
    num_questions: asked.length,
    answers,
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(document_, null, 1)], { type: "application/json" }));
  link.download = "answers-" + rater + ".json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  at("said").textContent = "Saved as " + link.download + ".";
}
at("who").addEventListener("submit", (event) => {
  event.preventDefault();
  rater = at("code").value.trim();
  begin(rater, kept());
});
at("saved").addEventListener("change", async (event) => {
  try {
    const found = JSON.parse(await event.target.files[0].text());
    if (found.format !== FORMAT || found.study !== study) throw new Error("another study");
    begin(String(found.rater), found.answers);
    keep();
  } catch {
    at("said").textContent = "That file isn't one that this page saved.";
  }
});
for (const side of ["left", "right"]) at(side).addEventListener("click", () => choose(side));
at("back").addEventListener("click", back);
at("again").addEventListener("click", back);
at("save").addEventListener("click", save);
at("so-far").addEventListener("click", save);
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!at("ask").hidden && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
    event.preventDefault();
    choose(event.key === "ArrowLeft" ? "left" : "right");
  } else if (event.key === "Backspace" && at("start").hidden && answers.length) {
    event.preventDefault();
    back();
  }
});
