import { MarkReader, type MeasuredMark } from './measure-marks.ts';
import { type AttachedText, type MeasuredRequest, measureRequest } from './measure-request.ts';
import type { CachedPrefix, LinePlace, RequestSizes, SizeClass } from './request-sizes.ts';
import { SpreadSample } from './spread-sample.ts';

/** Different prefixes that are told apart; a job that marks what each request has alone has as many as requests. */
const MOST_PREFIXES = 32;
const SAMPLE = 16;

type Counted<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is counted of the many: sums, and the prefix that came last. */
interface ManyPrefixes extends Counted<CachedPrefix> {
  last: string;
}

/** Measures the requests of a shard one by one; what it holds does not grow with them. */
export class SizeCounter {
  readonly #classes = new Map<string, Counted<SizeClass>>();
  readonly #prefixes = new Map<string, Counted<CachedPrefix>>();
  readonly #many = new Map<string, ManyPrefixes>();
  readonly #marks = new MarkReader();
  readonly #sample = new SpreadSample<LinePlace>(SAMPLE);

  /** `place`: of its line in the shard file; null where there is none. `bytes`: of the params, where they are known. */
  add(
    paramsJson: string,
    place: LinePlace | null,
    attached: AttachedText | null = null,
    bytes?: number,
  ): void {
    const measured = measureRequest(paramsJson, attached, this.#marks, bytes);
    const { model, isUs, tokens, maxTokens } = measured;
    const exponent = exponentOf(tokens);
    const key = `${exponent} ${isUs} ${model}`;
    const known = this.#classes.get(key);
    if (known === undefined)
      this.#classes.set(key, { model, isUs, exponent, requests: 1, tokens, largest: tokens, maxTokens });
    else {
      known.requests += 1;
      known.tokens += tokens;
      if (tokens > known.largest) known.largest = tokens;
      known.maxTokens += maxTokens;
    }
    for (const mark of measured.marks) this.#addMark(mark, measured);
    if (place !== null && this.#sample.wantsNext()) this.#sample.keep(place);
  }

  sizes(): RequestSizes {
    return {
      classes: [...this.#classes.values()].map((one) => ({ ...one })),
      prefixes: [
        ...[...this.#prefixes.values()].map((one) => ({ ...one })),
        ...[...this.#many.values()].map(meanOf),
      ],
      sample: this.#sample.kept(),
    };
  }

  #addMark({ ttl, tokens, tokensUpTo, hash }: MeasuredMark, { model, isUs }: MeasuredRequest): void {
    const key = `${hash} ${ttl} ${isUs} ${model}`;
    const known = this.#prefixes.get(key);
    if (known !== undefined) known.requests += 1;
    else if (this.#prefixes.size < MOST_PREFIXES)
      this.#prefixes.set(key, { model, isUs, ttl, tokens, tokensUpTo, requests: 1, distinct: 1, hash });
    else {
      const manyKey = `${ttl} ${isUs} ${model}`;
      const many = this.#many.get(manyKey);
      if (many === undefined) {
        const facts = { model, isUs, ttl, tokens, tokensUpTo, requests: 1, distinct: 1, hash: '' };
        this.#many.set(manyKey, { ...facts, last: hash });
        return;
      }
      many.requests += 1;
      many.tokens += tokens;
      many.tokensUpTo += tokensUpTo;
      // Requests that share one mostly follow each other; where they do not, the estimate is too high.
      if (many.last !== hash) many.distinct += 1;
      many.last = hash;
    }
  }
}

/** Of several shards, as if they were one; without their samples, whose places are in different files. */
export function mergeSizes(list: Iterable<RequestSizes>): RequestSizes {
  const classes = new Map<string, Counted<SizeClass>>();
  const prefixes = new Map<string, Counted<CachedPrefix>>();
  for (const sizes of list) {
    for (const one of sizes.classes) {
      const key = `${one.exponent} ${one.isUs} ${one.model}`;
      const known = classes.get(key);
      if (known === undefined) classes.set(key, { ...one });
      else {
        known.requests += one.requests;
        known.tokens += one.tokens;
        known.largest = Math.max(known.largest, one.largest);
        known.maxTokens += one.maxTokens;
      }
    }
    for (const one of sizes.prefixes) mergePrefix(prefixes, one);
  }
  return { classes: [...classes.values()], prefixes: [...prefixes.values()], sample: [] };
}

function mergePrefix(prefixes: Map<string, Counted<CachedPrefix>>, one: CachedPrefix): void {
  const key = `${one.hash} ${one.ttl} ${one.isUs} ${one.model}`;
  const known = prefixes.get(key);
  if (known === undefined) {
    prefixes.set(key, { ...one });
    return;
  }
  const requests = known.requests + one.requests;
  if (one.hash === '') {
    known.tokens = Math.ceil((known.tokens * known.requests + one.tokens * one.requests) / requests);
    known.tokensUpTo = Math.ceil(
      (known.tokensUpTo * known.requests + one.tokensUpTo * one.requests) / requests,
    );
    known.distinct += one.distinct;
  }
  known.requests = requests;
}

function meanOf({ last: _last, ...many }: ManyPrefixes): CachedPrefix {
  return {
    ...many,
    tokens: Math.ceil(many.tokens / many.requests),
    tokensUpTo: Math.ceil(many.tokensUpTo / many.requests),
  };
}

/** The smallest power of two that is larger: 1 → 1, 2 and 3 → 2, 4 to 7 → 3. */
function exponentOf(tokens: number): number {
  return 32 - Math.clz32(tokens);
}
