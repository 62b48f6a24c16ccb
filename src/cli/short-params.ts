const SHOWN = 40;

/** Params as a person reads them, indented: of an attached file only the beginning and the size. */
export function formatParams(params: unknown): string {
  return JSON.stringify(params, shorten, 2);
}

function shorten(this: unknown, key: string, value: unknown): unknown {
  if (key !== 'data' || typeof value !== 'string' || value.length <= 2 * SHOWN) return value;
  const isFile = typeof this === 'object' && this !== null && Reflect.get(this, 'type') === 'base64';
  return isFile ? `${value.slice(0, SHOWN)}… (${value.length.toLocaleString('en-US')} characters)` : value;
}
