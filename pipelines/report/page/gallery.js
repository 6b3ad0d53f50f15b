"use strict"
// The gallery: rows filtered and sorted; only the tiles in view exist.
const COLUMNS = {
  "review priority": row => data.scenes[row.s].priority[row.k],
  "mean |residual|": row => data.scenes[row.s].mean[row.k],
  "uncertainty": row => data.scenes[row.s].uncertainty[row.k],
  "disagreement": row => data.scenes[row.s].apart[row.k],
  "share corrected": row => data.scenes[row.s].touched[row.k],
  "reference quality": row => data.scenes[row.s].quality,
  "dispute": row => disputed.get(row.id) ?? null,
  "EV": row => data.scenes[row.s].evs[row.k],
  "scene": row => data.scenes[row.s].id,
}
const disputed = new Map(data.disputes.map(entry => [entry[0], entry[1]]))
const chosen = { text: "", sort: "review priority", down: true, facts: {} }
let listed = rows
let focused = 0

function valuesOf(name) {
  const found = name === "level" ? data.scenes.flatMap(scene => scene.levels) : data.scenes.map(scene => scene.facts[name] ?? "")
  return [...new Set(found)].sort()
}

function list() {
  const words = chosen.text.toLowerCase()
  const facts = Object.entries(chosen.facts).filter(([, value]) => value !== null)
  listed = rows.filter(row => {
    const scene = data.scenes[row.s]
    if (words && !row.id.toLowerCase().includes(words)) return false
    return facts.every(([name, value]) => (name === "level" ? scene.levels[row.k] : scene.facts[name] ?? "") === value)
  })
  const of = COLUMNS[chosen.sort]
  const turn = chosen.down ? -1 : 1
  const keyed = listed.map(row => [of(row), row])
  keyed.sort(([a], [b]) => (a === null) - (b === null) || turn * (a < b ? -1 : a > b ? 1 : 0))
  listed = keyed.map(([, row]) => row)
  focused = 0
  document.getElementById("count").textContent = `${listed.length} of ${rows.length} images`
  document.getElementById("tiles").scrollTop = 0
  draw()
}

function filters() {
  const form = document.getElementById("filters")
  const field = (words, control) => {
    const label = make("label", words)
    label.append(control)
    form.append(label)
    return control
  }
  const select = (words, options, change) => {
    const control = field(words, make("select"))
    for (const [value, text] of options) control.append(make("option", text, { value }))
    control.addEventListener("change", () => change(control.value))
  }
  const text = field("name contains", make("input", "", { type: "search", id: "search" }))
  text.addEventListener("input", () => { chosen.text = text.value; list() })
  for (const name of ["level", "split", "kind", "licence", "light", "scene_class", "device"]) {
    const values = valuesOf(name)
    if (values.length < 2) continue
    const options = [["", "all"], ...values.map((value, index) => [String(index), value || "not stated"])]
    select(name.replace("_", " "), options, value => { chosen.facts[name] = value === "" ? null : values[Number(value)]; list() })
  }
  select("sort by", Object.keys(COLUMNS).map(name => [name, name]), value => { chosen.sort = value; list() })
  select("order", [["down", "highest first"], ["up", "lowest first"]], value => { chosen.down = value === "down"; list() })
  select("colours", Object.keys(data.palettes).map(name => [name, name]), value => { palette = value; tiles.clear(); draw(true); redraw() })
  form.addEventListener("submit", event => event.preventDefault())
}

const tiles = new Map()
const WIDE = 300

function layout() {
  const place = document.getElementById("tiles")
  const across = Math.max(1, Math.floor(place.clientWidth / WIDE))
  const width = Math.floor(place.clientWidth / across)
  const height = Math.round((width / 2) * 0.75) + 52
  return { place, across, width, height }
}

function draw(anew = false) {
  const { place, across, width, height } = layout()
  document.getElementById("sizer").style.height = `${Math.ceil(listed.length / across) * height}px`
  const first = Math.max(0, Math.floor(place.scrollTop / height) - 1) * across
  const last = Math.min(listed.length, (Math.ceil((place.scrollTop + place.clientHeight) / height) + 1) * across)
  const wanted = new Set()
  for (let index = first; index < last; index++) wanted.add(`${index} ${listed[index].id}`)
  for (const tile of place.querySelectorAll(".tile")) if (anew || !wanted.has(tile.dataset.key)) tile.remove()
  const there = new Set([...place.querySelectorAll(".tile")].map(tile => tile.dataset.key))
  for (let index = first; index < last; index++) {
    const key = `${index} ${listed[index].id}`
    if (!there.has(key)) place.append(tileOf(index, key, width))
  }
  for (const tile of place.querySelectorAll(".tile")) {
    const index = Number(tile.dataset.index)
    tile.style.cssText = `left:${(index % across) * width}px;top:${Math.floor(index / across) * height}px;width:${width - 6}px;height:${height - 6}px`
    tile.tabIndex = index === focused ? 0 : -1
  }
}

function tileOf(index, key, width) {
  const row = listed[index]
  const scene = data.scenes[row.s]
  const words = `EV ${signed(scene.evs[row.k])}, mean |residual| ${shown(scene.mean[row.k])}, priority ${shown(scene.priority[row.k])}`
  const tile = make("button", "", { type: "button", className: "tile" })
  tile.dataset.key = key
  tile.dataset.index = index
  tile.setAttribute("aria-label", `${row.id}: ${words}`)
  const canvas = make("canvas", "", { width: width - 16, height: Math.round(((width - 16) / 2) * 0.75) })
  tile.append(canvas, make("span", row.id, { dir: "auto" }), make("span", words, { className: "quiet" }))
  tile.addEventListener("click", () => { focused = index; openViewer(row.id) })
  picturesOf(row.s).then(({ strip, values }) => {
    const [w, h] = scene.size[0]
    const context = canvas.getContext("2d")
    const half = canvas.width / 2
    const scale = Math.min((half - 1) / w, canvas.height / h)
    context.drawImage(strip, 0, h * (row.k + 1), w, h, 0, 0, w * scale, h * scale)
    drawMap(context, row.s, row.k, values, half + 1, 0, w * scale, h * scale)
    tile.dataset.drawn = "yes"
    performance.mark("picture")
  }).catch(error => { tile.append(make("span", String(error.message))) })
  return tile
}

function steer(event) {
  const { place, across, height } = layout()
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, PageUp: -3 * across, PageDown: 3 * across, Home: -focused, End: listed.length - 1 - focused }[event.key]
  if (step === undefined || !listed.length) return
  event.preventDefault()
  focused = Math.min(listed.length - 1, Math.max(0, focused + step))
  const top = Math.floor(focused / across) * height
  if (top < place.scrollTop) place.scrollTop = top
  if (top + height > place.scrollTop + place.clientHeight) place.scrollTop = top + height - place.clientHeight
  draw()
  place.querySelector(`.tile[data-index="${focused}"]`)?.focus()
}
