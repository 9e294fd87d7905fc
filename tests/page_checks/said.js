// What a reader of its tables and paragraphs sees; a script may add fields of its own.
() => [...document.querySelectorAll("h1, h2, h3, p:not(.filter), td, th, dt, dd, figcaption")]
  .filter((each) => each.checkVisibility()).map((each) => each.textContent.trim()).sort().join("\n")
