/** The part of a request that the API names when it refuses it. */
export interface RefusedPart {
  /** As the API writes it: `messages.0.content.1.image`. */
  readonly path: string;
  /** What stands there, shortened; null where nothing does. */
  readonly json: string | null;
}

const MAX_SHOWN = 300;
const NAMED_PATH = /^([A-Za-z_]\w*(?:\.[\w$-]+)*): /;

/** Reads the path at the head of a message such as `max_tokens: 9999999 > 64000, which is …`; null where there is none. */
export function refusedPart(message: string, params: unknown): RefusedPart | null {
  const path = NAMED_PATH.exec(message)?.[1];
  if (path === undefined) return null;
  let value = params;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      value = undefined;
      break;
    }
    value = Reflect.get(value, key);
  }
  const json = value === undefined ? null : JSON.stringify(value);
  return { path, json: json !== null && json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN)}…` : json };
}
