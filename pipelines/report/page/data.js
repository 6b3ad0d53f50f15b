"use strict"
// What stands in the page: `data`, one row an image, and the pictures, which are decoded when somebody looks.
const data = JSON.parse(document.getElementById("data").textContent)
const rows = data.scenes.flatMap((scene, s) => scene.levels.map((level, k) => ({ s, k, id: `${scene.id}_${level}` })))
const byId = new Map(rows.map((row, index) => [row.id, index]))
const INVALID = -128

// An element with text; text of the data never becomes markup.
function make(tag, text = "", attributes = {}) {
  const element = Object.assign(document.createElement(tag), attributes)
  if (text !== "") element.textContent = text
  return element
}

const shown = (value, digits = 3) => (value === null || value === undefined ? "" : value.toFixed(digits))
const signed = (value, digits = 2) => (value > 0 ? "+" : "") + value.toFixed(digits).replace("-", "−")

const bytesOf = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0))

// Pictures stand behind the program, so that the page can be read while the rest of it arrives.
async function textOf(scene) {
  for (;;) {
    const element = document.getElementById(`p${scene}`)
    if (element && (element.nextElementSibling || document.readyState !== "loading")) return element.textContent
    if (document.readyState !== "loading") throw new Error(`the pictures of scene ${scene} are missing: the page is not whole`)
    await new Promise(done => setTimeout(done, 30))
  }
}

const cache = new Map()
const KEPT = 300

// A scene's pictures: {strip, values}: the strip shows the reference, then each exposure; values are residual x 127.
function picturesOf(scene) {
  if (!cache.has(scene)) {
    if (cache.size >= KEPT) cache.delete(cache.keys().next().value)
    cache.set(scene, decode(scene))
  }
  return cache.get(scene)
}

async function decode(scene) {
  const [picture, values] = (await textOf(scene)).split(" ")
  const strip = await createImageBitmap(new Blob([bytesOf(picture)], { type: "image/webp" }))
  const stream = new Blob([bytesOf(values)]).stream().pipeThrough(new DecompressionStream("deflate-raw"))
  const steps = new Uint8Array(await new Response(stream).arrayBuffer())
  for (let i = 1; i < steps.length; i++) steps[i] += steps[i - 1]
  return { strip, values: new Int8Array(steps.buffer) }
}

let palette = Object.keys(data.palettes)[0]

// The residual of one exposure as pixels, coloured with zero at white; no data is grey.
function coloured(scene, k, values) {
  const [width, height] = data.scenes[scene].size[1]
  const picture = new ImageData(width, height)
  const table = data.palettes[palette]
  for (let i = 0; i < width * height; i++) {
    const value = values[k * width * height + i]
    const colour = value === INVALID ? [128, 128, 128] : table[Math.round((value / 127) * 255) + 255]
    picture.data.set([...colour, 255], 4 * i)
  }
  return picture
}

const scratch = document.createElement("canvas")
function drawMap(context, scene, k, values, x, y, width, height) {
  const picture = coloured(scene, k, values)
  scratch.width = picture.width
  scratch.height = picture.height
  scratch.getContext("2d").putImageData(picture, 0, 0)
  context.drawImage(scratch, x, y, width, height)
}
