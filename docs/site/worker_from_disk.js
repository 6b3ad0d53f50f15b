// A browser starts no worker from a page that was opened from a disk, and the search runs in one. There this stands in
// for it: the worker's script runs in a hidden frame, and messages go to and fro as with a worker.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = Object.assign(document.createElement("iframe"), { hidden: true })
      document.body.append(frame)
      const inside = frame.contentWindow
      inside.postMessage = data => setTimeout(() => this.answer(data))
      inside.importScripts = () => {}
      const script = Object.assign(frame.contentDocument.createElement("script"), { src: url })
      this.ready = new Promise(done => { script.onload = () => done(inside) })
      frame.contentDocument.body.append(script)
    }
    answer(data) {
      const event = new MessageEvent("message", { data })
      this.dispatchEvent(event)
      if (this.onmessage) this.onmessage(event)
    }
    postMessage(data) {
      this.ready.then(inside => inside.dispatchEvent(new inside.MessageEvent("message", { data })))
    }
    terminate() {}
  }
}
