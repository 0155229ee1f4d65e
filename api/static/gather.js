// Files out of whatever people do: choose, paste, or drop files and whole folders.

/** Every file of a drop, folders opened; each with the path it had there. */
export async function dropped(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

/** What systems put beside files is no document. */
const isHidden = (file) => file.name.startsWith(".");

async function walk(entry, folder, found) {
  if (!entry) return;
  if (entry instanceof File) {
    found.push({ file: entry, path: folder + entry.name });
  } else if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    if (!isHidden(file)) found.push({ file, path: folder + file.name });
  } else if (entry.isDirectory) {
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break; // a folder is read a hundred entries at a time
      for (const inner of some) await walk(inner, `${folder}${entry.name}/`, found);
    }
  }
}

/** The files of an input or of the clipboard. Those of a folder come with what systems put beside them. */
export const listed = (files) =>
  [...files].filter((file) => !(file.webkitRelativePath && isHidden(file))).map((file) => ({ file, path: file.webkitRelativePath || file.name }));

/** The same file gets the same id again, so that adding a folder once more after a broken line continues instead of doubling. */
export function clientId({ file, path }) {
  const text = `${path}\n${file.size}\n${file.lastModified}`;
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (const character of text) {
    const code = character.codePointAt(0);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  const hex = (number) => (number >>> 0).toString(16).padStart(8, "0");
  return `w-${hex(a)}${hex(b)}-${file.size.toString(36)}`;
}
