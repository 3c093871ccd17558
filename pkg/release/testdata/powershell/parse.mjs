// Parses PowerShell scripts with tree-sitter's grammar. Prints each fault as FILE:LINE:COLUMN: what, and exits with 1 if there is one.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { Language, Parser } from "web-tree-sitter";

setFlagsFromString("--liftoff-only"); // else node goes on optimising the grammar for ten seconds after the end

await Parser.init();
const grammar = createRequire(import.meta.url).resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");
const parser = new Parser();
parser.setLanguage(await Language.load(grammar));

function report(file, node) {
  if (node.isError || node.isMissing) {
    const what = node.isMissing ? `${node.type} is missing` : `not understood: ${node.text.slice(0, 60)}`;
    console.log(`${file}:${node.startPosition.row + 1}:${node.startPosition.column + 1}: ${what}`);
    process.exitCode = 1;
    return;
  }
  for (const child of node.children) {
    if (child.hasError || child.isMissing) report(file, child);
  }
}

for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8");
  if (text === "") {
    console.log(`${file}:1:1: the file is empty`);
    process.exitCode = 1;
  }
  report(file, parser.parse(text).rootNode);
}
