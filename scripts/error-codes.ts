import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

// `code: 'x'`, `code: condition ? 'x' : 'y'`, or a chain of conditions.
const CODE = /\bcode:\s*(?:[^,'\n]*\?\s*)?'[a-z0-9_]+'(?:\s*:\s*(?:[^,'\n?]*\?\s*)?'[a-z0-9_]+')*/g;

/** Every code of an error that the program writes down in its source, sorted. */
export function readErrorCodes(): readonly string[] {
  const codes = new Set<string>();
  for (const { text } of sources()) {
    for (const [given] of text.matchAll(CODE))
      for (const [, code = ''] of given.matchAll(/'([a-z0-9_]+)'/g)) codes.add(code);
  }
  return [...codes].toSorted();
}

/**
 * Places that give a code which is not written out there, so that the list above lacks it: a template string, a call, a
 * parameter of the name. To pass on the code of another error is none.
 */
export function codesNotWrittenOut(): readonly string[] {
  return sources().flatMap(({ path, text }) =>
    [...text.matchAll(/(readonly )?\bcode\??: ?([^\n]*)/g)].flatMap(([given = '', declared, value = '']) =>
      declared !== undefined || given.search(CODE) === 0 || /\.code\b|^unknown\b|^\{/.test(value)
        ? []
        : [`${path}: ${/^[^,)]*\)?/.exec(given)?.[0]}`],
    ),
  );
}

function sources(): readonly { readonly path: string; readonly text: string }[] {
  return (
    readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      // The emulator's codes are those of the API.
      .filter((path) => path.endsWith('.ts') && !path.startsWith('emulator'))
      .map((path) => ({ path, text: readFileSync(join(SRC, path), 'utf8') }))
  );
}

/** The list in docs/errors.md. */
export function errorList(): string {
  return readErrorCodes()
    .map((code) => `- \`${code}\``)
    .join('\n');
}
