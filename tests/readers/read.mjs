// Reads arrays of a release with zarrita and prints what it found as JSON: a reader that shares no code with ours.
// node read.mjs FOLDER_OF_ARRAYS FRAME/ARRAY ...
import { createHash } from "node:crypto";
import { FileSystemStore } from "@zarrita/storage";
import * as zarr from "zarrita";

function inRowMajorOrder({ data, shape, stride }) {
  const ordered = new data.constructor(data.length);
  const index = shape.map(() => 0);
  for (let place = 0; place < ordered.length; place++) {
    ordered[place] = data[index.reduce((sum, at, axis) => sum + at * stride[axis], 0)];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return ordered;
}

const [folder, ...names] = process.argv.slice(2);
const root = zarr.root(new FileSystemStore(folder));
const found = {};
for (const name of names) {
  const array = await zarr.open.v3(root.resolve(name), { kind: "array" });
  const values = inRowMajorOrder(await zarr.get(array));
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  found[name] = {
    shape: array.shape,
    dtype: array.dtype,
    dimensions: array.dimensionNames,
    attributes: array.attrs,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}
console.log(JSON.stringify(found));
