/**
 * What the requests of a shard are like before anything is sent: all that an estimate needs, a few hundred bytes whatever
 * the size of the shard. Tokens are local ones (core/measure-request.ts), to be corrected by a calibration.
 */
export interface RequestSizes {
  readonly classes: readonly SizeClass[];
  readonly prefixes: readonly CachedPrefix[];
  /** Some requests, evenly spread: where their lines stand in the shard file, in bytes without the newline. */
  readonly sample: readonly LinePlace[];
}

/** Requests of one model and of about one size. */
export interface SizeClass {
  /** Null: the request names none. */
  readonly model: string | null;
  /** Asked for `inference_geo: us`. */
  readonly isUs: boolean;
  /** Local tokens of each are below 2 ** exponent, and not below half of that. */
  readonly exponent: number;
  readonly requests: number;
  /** Of all of them, cached or not. */
  readonly tokens: number;
  /** Of the largest of them. */
  readonly largest: number;
  /** The sum of their max_tokens. */
  readonly maxTokens: number;
}

/** The part of the prompts up to one cache mark. Where there are very many, those beyond the first are counted as one. */
export interface CachedPrefix {
  readonly model: string | null;
  readonly isUs: boolean;
  readonly ttl: '5m' | '1h';
  /** Local tokens of one prompt from the mark before it, or the beginning, up to the mark. */
  readonly tokens: number;
  /** From the beginning: what the model's minimum is compared with. */
  readonly tokensUpTo: number;
  /** That begin with it. */
  readonly requests: number;
  /** How many different prefixes are counted here: 1, unless these are the many. */
  readonly distinct: number;
  /** Tells it from others of its model, in other shards too: 16 hex characters; '' where these are the many. */
  readonly hash: string;
}

export interface LinePlace {
  readonly offset: number;
  readonly length: number;
}

export const NO_SIZES: RequestSizes = { classes: [], prefixes: [], sample: [] };

/** The models that the requests name; null where some name none. */
export function modelsOf({ classes }: RequestSizes): readonly (string | null)[] {
  return [...new Set(classes.map(({ model }) => model))];
}
