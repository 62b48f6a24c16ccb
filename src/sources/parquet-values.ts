import type { FileMetaData, ParquetParsers, SchemaElement } from 'hyparquet';
import { JsonTextError, parseExact } from '../core/json-exact.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** How hyparquet shall read what is more than a number: times as ISO text, and no text out of bytes that are none. */
export const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => isoTime(BigInt(millis) * 1_000_000n),
  timestampFromMicroseconds: (micros) => isoTime(BigInt(micros) * 1000n),
  timestampFromNanoseconds: (nanos) => isoTime(BigInt(nanos)),
  dateFromDays: (days) => isoTime(BigInt(days) * 86_400_000_000_000n)?.slice(0, 10),
  stringFromBytes: textOrBytes,
  jsonFromBytes(bytes) {
    const text = textOrBytes(bytes);
    if (typeof text !== 'string') return text;
    try {
      return parseExact(text);
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error;
      return text;
    }
  },
};

/** Bytes that are not UTF-8 stay bytes, which is a problem of their record. */
function textOrBytes(bytes: Uint8Array | undefined): string | Uint8Array | undefined {
  if (bytes === undefined) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes;
  }
}

/** RFC 3339 with as many digits of the second as there are: 3, 6 or 9. Beyond the years of a Date: the nanoseconds. */
function isoTime(nanos: bigint): string {
  const rest = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const date = new Date(Number((nanos - rest) / 1_000_000n));
  if (Number.isNaN(date.getTime())) return String(nanos);
  const digits = String(rest).padStart(6, '0').replace(/000$/, '');
  return rest === 0n ? date.toISOString() : date.toISOString().replace('Z', `${digits}Z`);
}

/**
 * Takes the mark of a decimal off the columns that hold one, so that hyparquet (1.31.5) leaves them as they are stored;
 * it would multiply by a power of ten in binary, and 0.3 would become 0.30000000000000004. Returns their scales.
 */
export function takeDecimals({ schema }: FileMetaData): ReadonlyMap<string, number> {
  const scales = new Map<string, number>();
  for (const element of topColumns(schema)) {
    const { converted_type: converted, type, name, scale } = element;
    // Of plain byte arrays hyparquet would make text.
    if (converted !== 'DECIMAL' || type === 'BYTE_ARRAY') continue;
    delete element.converted_type;
    scales.set(name, scale ?? 0);
  }
  return scales;
}

/** The children of the root that have none themselves; the schema is a tree, depth first. */
function topColumns(schema: readonly SchemaElement[]): readonly SchemaElement[] {
  const found: SchemaElement[] = [];
  const skip = (index: number): number => {
    let next = index + 1;
    for (let left = schema[index]?.num_children ?? 0; left > 0; left -= 1) next = skip(next);
    return next;
  };
  for (let index = 1; index < schema.length; index = skip(index)) {
    const element = schema[index];
    if (element !== undefined && (element.num_children ?? 0) === 0) found.push(element);
  }
  return found;
}

/** A stored decimal as a number where that is exactly it, else its digits as text. */
export function toDecimal(stored: unknown, scale: number): unknown {
  const unscaled = toInteger(stored);
  if (unscaled === null) return stored;
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const text = `${unscaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  return String(Number(text)) === text ? Number(text) : text;
}

function toInteger(stored: unknown): bigint | null {
  if (typeof stored === 'bigint') return stored;
  if (typeof stored === 'number') return BigInt(stored);
  if (!(stored instanceof Uint8Array) || stored.length === 0) return null;
  // Big-endian two's complement. Source: parquet-format, LogicalTypes.md (DECIMAL).
  const value = BigInt(`0x${Buffer.from(stored).toString('hex')}`);
  return BigInt.asIntN(stored.length * 8, value);
}
