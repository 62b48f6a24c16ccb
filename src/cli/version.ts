import { readFileSync } from 'node:fs';

/** Of this package, as its package.json says. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string }; // our own package.json
  return version;
}
