"use strict"
// The charts: shares of the residual by level, means by zone, the ladder as measured, and how many of what.
function charts() {
  const place = document.getElementById("charts")
  place.replaceChildren()
  const { levels, evs, shares, zones } = data.numbers
  const wide = Math.min(560, Math.max(320, place.clientWidth - 20))
  const figure = (words, plot) => {
    const made = make("figure")
    for (const part of plot.querySelectorAll("g[aria-label]")) part.removeAttribute("aria-label")
    for (const svg of plot.matches("svg") ? [plot] : plot.querySelectorAll("svg")) {
      svg.setAttribute("role", "img")
      svg.setAttribute("aria-label", words)
    }
    made.append(plot, make("figcaption", words))
    place.append(made)
  }
  if (!levels.length) { place.append(make("p", "There is no image.")); return }
  const bins = shares[0].length
  const area = levels.flatMap((level, k) => shares[k].map((share, i) => ({ level, x: (2 * (i + 0.5)) / bins - 1, share })))
  figure("Residual by level: the share of pixels at each residual, − overexposed, + underexposed", Plot.plot({
    width: wide, height: 46 * levels.length + 60, marginLeft: 60, x: { label: "residual", domain: [-1, 1] }, y: { axis: null }, fy: { domain: levels, label: null },
    marks: [Plot.areaY(area, { x: "x", y: "share", fy: "level", fill: "#4a78c4" }), Plot.ruleX([0], { stroke: "currentColor" })] }))
  const cells = levels.flatMap((level, k) => zones[k].map((mean, zone) => ({ level, zone: ROMAN[zone], mean })).filter(cell => cell.mean !== null))
  figure("Mean residual by zone of the reference and by level", Plot.plot({
    width: wide, height: 34 * levels.length + 60, marginLeft: 60, x: { label: "zone of the reference", domain: ROMAN }, y: { domain: levels, label: null },
    color: { type: "diverging", scheme: "RdBu", domain: [-1, 1], legend: true, label: "mean residual", marginLeft: 14, marginRight: 14, width: 268 },
    marks: [Plot.cell(cells, { x: "zone", y: "level", fill: "mean", inset: 1 }),
      Plot.text(cells, { x: "zone", y: "level", text: cell => signed(cell.mean), fontSize: wide < 480 ? 8 : 10, fill: cell => (Math.abs(cell.mean) > 0.5 ? "white" : "black") })] }))
  const ladder = data.scenes.flatMap(scene => scene.stops.map((stops, k) => ({ stops, ev: scene.evs[k], id: `${scene.id}_${scene.levels[k]}` })).filter(point => point.stops !== null))
  const some = ladder.length > 4000 ? ladder.filter((_, i) => i % Math.ceil(ladder.length / 4000) === 0) : ladder
  figure(`The ladder: stops from EV 0 as the pixels show them, against the stated EV${some.length < ladder.length ? `; ${some.length} of ${ladder.length} images` : ""}. On the line they agree; a tone curve bends it`, Plot.plot({
    width: wide, height: 320, grid: true, x: { label: "stated EV" }, y: { label: "measured stops" },
    marks: [Plot.line([...new Set(evs)].map(ev => [ev, ev]), { stroke: "currentColor", strokeDasharray: "4 3" }), Plot.dot(some, { x: "ev", y: "stops", r: 2, stroke: "#c4600a", title: "id" })] }))
  for (const name of ["split", "licence", "kind", "light", "scene_class", "device"]) {
    const counts = new Map()
    for (const scene of data.scenes) counts.set(scene.facts[name] || "not stated", (counts.get(scene.facts[name] || "not stated") ?? 0) + 1)
    // A licence that nobody stated is said; a store has no splits.
    if (counts.size < 2 && name !== "licence" && !(name === "split" && !counts.has("not stated"))) continue
    const bars = [...counts].map(([value, scenes]) => ({ value, scenes })).sort((a, b) => b.scenes - a.scenes).slice(0, 25)
    figure(`Scenes by ${name.replace("_", " ")}`, Plot.plot({
      width: wide, height: 26 * bars.length + 50, marginLeft: 190, x: { label: "scenes", tickFormat: d => (Number.isInteger(d) ? d : "") }, y: { label: null, domain: bars.map(bar => bar.value), tickFormat: v => (v.length > 28 ? `${v.slice(0, 27)}…` : v) },
      marks: [Plot.barX(bars, { x: "scenes", y: "value", fill: "#4a78c4" }), Plot.text(bars, { x: "scenes", y: "value", text: "scenes", dx: 4, textAnchor: "start" })] }))
  }
}
charts()
