"use strict"
// The head of the page, what needs attention, and the start.
const FIGURES = ["score", "quality", "priority", "mean difference"]
function table(heading, names, lines) {
  if (!lines.length) return
  const place = document.getElementById("attention-parts")
  place.append(make("h3", `${heading} (${lines.length})`))
  const scroll = make("div", "", { className: "scroll", tabIndex: 0 })
  scroll.setAttribute("role", "region")
  scroll.setAttribute("aria-label", heading)
  const made = make("table")
  const head = make("tr")
  const kinds = names.map(name => (FIGURES.includes(name) ? "figure" : name === "picture" ? "" : "words"))
  names.forEach((name, at) => head.append(make("th", name, { scope: "col", className: kinds[at] })))
  made.append(make("thead"))
  made.tHead.append(head)
  const body = make("tbody")
  for (const line of lines) {
    const tr = make("tr")
    line.forEach((cell, at) => {
      const td = make("td", cell instanceof Node ? "" : cell, { dir: "auto", className: kinds[at] })
      if (cell instanceof Node) td.append(cell)
      tr.append(td)
    })
    body.append(tr)
  }
  made.append(body)
  scroll.append(made)
  place.append(scroll)
}

function linkTo(id) {
  if (!byId.has(id)) return id
  const button = make("button", id, { type: "button", className: "link" })
  button.addEventListener("click", () => openViewer(id))
  return button
}

function picture(base64, words) {
  return base64 ? make("img", "", { src: `data:image/jpeg;base64,${base64}`, alt: words, loading: "lazy" }) : "no picture"
}

function attention() {
  const first = scene => `${scene.id}_${scene.levels[Math.floor(scene.levels.length / 2)]}`
  const left = data.scenes.flatMap(scene => scene.left.map(([name, score, reason, small]) => [scene.id, name, shown(score, 2), reason, picture(small, `the frame ${name}`)]))
  const judged = data.scenes.filter(scene => scene.quality !== null && scene.quality < 1).sort((a, b) => a.quality - b.quality).slice(0, 50)
  const ranked = rows.filter(row => data.scenes[row.s].priority[row.k] !== null)
    .sort((a, b) => data.scenes[b.s].priority[b.k] - data.scenes[a.s].priority[a.k]).slice(0, 20)
  table("Scenes that could not be built", ["scene", "why"], data.failures)
  table("Scenes that cannot be read", ["scene", "why"], data.unread)
  table("Frames left out", ["scene", "frame", "score", "why", "picture"], left)
  table("References, the worst first", ["quality", "scene", "what is wrong"], judged.map(scene => [shown(scene.quality, 2), linkTo(first(scene)), scene.words]))
  table("Disputed labels", ["score", "image", "kind", "why"], data.disputes.slice(0, 200).map(([id, score, kind, why]) => [shown(score, 2), linkTo(id), kind, why]))
  const apart = rows.filter(row => data.scenes[row.s].apart[row.k])
    .sort((a, b) => data.scenes[b.s].apart[b.k] - data.scenes[a.s].apart[a.k]).slice(0, 50)
  table("Where annotators disagree", ["mean difference", "image"], apart.map(row => [shown(data.scenes[row.s].apart[row.k]), linkTo(row.id)]))
  table("Images to look at first", ["priority", "image"], ranked.map(row => [shown(data.scenes[row.s].priority[row.k]), linkTo(row.id)]))
  const place = document.getElementById("attention-parts")
  if (!place.children.length) place.append(make("p", "Nothing: no failure, no frame left out, no reference that was judged worse than good."))
}

function start() {
  document.title = `${data.title}: exposure report`
  document.getElementById("title").textContent = `${data.kind === "release" ? "Release" : "Store"} ${data.title}`
  const facts = document.getElementById("facts")
  for (const [name, value] of data.facts) if (value) facts.append(make("dt", name), make("dd", value, { dir: "auto" }))
  attention()
  filters()
  viewing()
  const place = document.getElementById("tiles")
  place.addEventListener("scroll", () => requestAnimationFrame(() => draw()))
  place.addEventListener("keydown", steer)
  addEventListener("resize", () => draw(true))
  const jump = () => openViewer(decodeURIComponent(location.hash.slice(1)))
  addEventListener("hashchange", jump)
  list()
  if (location.hash.length > 1) jump()
}
start()
