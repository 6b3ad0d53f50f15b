"use strict"
// One image at full width: exposure against reference by a slider or by blinking, its residual, and its values.
const viewer = document.getElementById("viewer")
let current = null
let blinking = 0

function openViewer(id) {
  const index = byId.get(id)
  if (index === undefined) return false
  current = rows[index]
  if (!viewer.open) viewer.showModal()
  history.replaceState(null, "", `#${encodeURIComponent(id)}`)
  fill()
  redraw()
  return true
}

function fill() {
  const scene = data.scenes[current.s]
  document.getElementById("viewer-title").textContent = current.id
  document.getElementById("link").href = `#${encodeURIComponent(current.id)}`
  const level = document.getElementById("viewer-level")
  level.replaceChildren(...scene.levels.map((name, k) => make("option", `${name} (${signed(scene.evs[k])} EV)`, { value: k, selected: k === current.k })))
  const facts = document.getElementById("viewer-facts")
  facts.replaceChildren()
  const say = (name, value) => { if (value) facts.append(make("dt", name), make("dd", value, { dir: "auto" })) }
  for (const [name, value] of Object.entries(scene.facts)) say(name.replace("_", " "), value)
  say("mean |residual|", shown(scene.mean[current.k]))
  say("review priority", shown(scene.priority[current.k]))
  say("standard deviation of the label", shown(scene.uncertainty[current.k]))
  say("annotators' disagreement", shown(scene.apart[current.k]))
  say("measured stops from EV 0", scene.stops[current.k] === null ? "" : signed(scene.stops[current.k]))
  say("reference", [shown(scene.quality, 2), scene.words].filter(Boolean).join(": "))
  for (const entry of data.disputes) if (entry[0] === current.id) say("dispute", `${shown(entry[1], 2)}, ${entry[2]}: ${entry[3]}`)
}

async function redraw() {
  if (!current || !viewer.open) return
  const { s, k } = current
  const { strip, values } = await picturesOf(s)
  if (!current || current.s !== s || current.k !== k) return
  const [w, h] = data.scenes[s].size[0]
  const pair = document.getElementById("pair")
  const map = document.getElementById("map")
  const share = Number(document.getElementById("slider").value) / 100
  for (const canvas of [pair, map]) Object.assign(canvas, { width: w, height: h })
  const context = pair.getContext("2d", { willReadFrequently: true })
  const cut = Math.round(w * share)
  context.drawImage(strip, 0, 0, w, h, 0, 0, w, h)
  if (cut) context.drawImage(strip, 0, h * (k + 1), cut, h, 0, 0, cut, h)
  drawMap(map.getContext("2d"), s, k, values, 0, 0, w, h)
  viewer.dataset.drawn = current.id
}

const linear = code => { const v = code / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 }
const ROMAN = ["0", "I", "II", "III", "IV", "V", "VI", "VII"]

async function read(event) {
  const { s, k } = current
  const scene = data.scenes[s]
  const place = event.target.getBoundingClientRect()
  const x = Math.min(0.9999, Math.max(0, (event.clientX - place.left) / place.width))
  const y = Math.min(0.9999, Math.max(0, (event.clientY - place.top) / place.height))
  const { strip, values } = await picturesOf(s)
  const [w, h] = scene.size[0]
  const [gw, gh] = scene.size[1]
  const value = values[k * gw * gh + Math.floor(y * gh) * gw + Math.floor(x * gw)]
  const canvas = new OffscreenCanvas(1, 1)
  const context = canvas.getContext("2d", { willReadFrequently: true })
  const zone = frame => {
    context.drawImage(strip, Math.floor(x * w), h * frame + Math.floor(y * h), 1, 1, 0, 0, 1, 1)
    const [r, g, b] = context.getImageData(0, 0, 1, 1).data
    const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    const found = 5 + Math.log2(Math.max(light, 0.18 / 32) / 0.18)
    return `${ROMAN[Math.min(7, Math.round(found))]} (${found.toFixed(1)})`
  }
  const residual = value === INVALID ? "no valid data" : signed(value / 127)
  document.getElementById("readout").textContent =
    `residual ${residual}   EV ${signed(scene.evs[k])}   zone ${zone(k + 1)}, reference ${zone(0)}   at ${Math.round(100 * x)} %, ${Math.round(100 * y)} %`
}

function step(by) {
  const at = listed.findIndex(row => row.id === current.id)
  const next = listed[Math.min(listed.length - 1, Math.max(0, at + by))]
  if (next) openViewer(next.id)
}

function toLevel(k) {
  const scene = data.scenes[current.s]
  if (k >= 0 && k < scene.levels.length) openViewer(`${scene.id}_${scene.levels[k]}`)
}

function blink() {
  const button = document.getElementById("blink")
  const slider = document.getElementById("slider")
  if (blinking) {
    clearInterval(blinking)
    blinking = 0
    slider.value = 50
  } else {
    blinking = setInterval(() => { slider.value = Number(slider.value) > 50 ? 0 : 100; redraw() }, 500)
  }
  button.setAttribute("aria-pressed", String(blinking !== 0))
  redraw()
}

function viewing() {
  const on = (id, event, call) => document.getElementById(id).addEventListener(event, call)
  on("viewer-close", "click", () => viewer.close())
  on("previous", "click", () => step(-1))
  on("next", "click", () => step(1))
  on("blink", "click", blink)
  on("slider", "input", redraw)
  on("viewer-level", "change", event => toLevel(Number(event.target.value)))
  for (const id of ["pair", "map"]) on(id, "pointermove", read)
  viewer.addEventListener("close", () => {
    if (blinking) blink()
    history.replaceState(null, "", location.pathname + location.search)
    document.querySelector(`.tile[data-index="${focused}"]`)?.focus()
  })
  viewer.addEventListener("keydown", event => {
    if (event.target.matches("select, input")) return
    const call = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => toLevel(current.k + 1), ArrowDown: () => toLevel(current.k - 1), b: blink, B: blink }[event.key]
    if (call) { event.preventDefault(); call() }
  })
}
