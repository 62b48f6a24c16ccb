import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

// `code: 'x'`, or `code: condition ? 'x' : 'y'`.
const CODE = /\bcode:\s*(?:[^,'\n]*\?\s*)?'([a-z0-9_]+)'(?:\s*:\s*'([a-z0-9_]+)')?/g;

/** Every code of an error that the program writes down in its source, sorted. */
export function readErrorCodes(): readonly string[] {
  const codes = new Set<string>();
  for (const path of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    // The emulator's codes are those of the API.
    if (!path.endsWith('.ts') || path.startsWith('emulator')) continue;
    const found = readFileSync(join(SRC, path), 'utf8').matchAll(CODE);
    for (const [, one, other] of found)
      for (const code of [one, other]) if (code !== undefined) codes.add(code);
  }
  return [...codes].toSorted();
}

/** The list in docs/errors.md. */
export function errorList(): string {
  return readErrorCodes()
    .map((code) => `- \`${code}\``)
    .join('\n');
}
