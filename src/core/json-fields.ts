import { StoreError } from './errors.ts';
import { DAMAGED_STORE } from './store-remedies.ts';

/** The fields of one object in a JSON column, each taken as what it must be. @throws StoreError `store_damaged` */
export interface Fields {
  has(name: string): boolean;
  isNull(name: string): boolean;
  names(): readonly string[];
  text(name: string): string;
  textOrNull(name: string): string | null;
  texts(name: string): readonly string[];
  /** Every field of this object is a list of texts. */
  allTexts(): Readonly<Record<string, readonly string[]>>;
  number(name: string): number;
  numberOrNull(name: string): number | null;
  pairs(name: string): readonly (readonly [number, number])[];
  flag(name: string): boolean;
  choice<T extends string>(name: string, choices: readonly T[]): T;
  object(name: string): Fields;
  objectOrNull(name: string): Fields | null;
  objects(name: string): readonly Fields[];
}

/** A column that is passed on as it is. @throws StoreError `store_damaged` */
export function parseColumn(column: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw damagedColumn(column, error);
  }
}

/** `column` is named when it does not hold what was written there. */
export function parseFields(column: string, json: string): Fields {
  try {
    return fieldsOf(column, JSON.parse(json));
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw damagedColumn(column, error);
  }
}

function fieldsOf(column: string, value: unknown): Fields {
  if (!isRecord(value)) throw damagedColumn(column);
  const fields = value;

  function take<T>(name: string, accepts: (field: unknown) => field is T): T {
    const field = fields[name];
    if (!accepts(field)) throw damagedColumn(`${column}, ${name}`);
    return field;
  }

  const object = (name: string): Fields => fieldsOf(`${column}, ${name}`, fields[name]);

  return {
    has: (name) => name in fields,
    isNull: (name) => fields[name] === null,
    names: () => Object.keys(fields),
    text: (name) => take(name, isText),
    textOrNull: (name) => (fields[name] === null ? null : take(name, isText)),
    texts: (name) => take(name, isTexts),
    allTexts: () => Object.fromEntries(Object.keys(fields).map((name) => [name, take(name, isTexts)])),
    number: (name) => take(name, isNumber),
    numberOrNull: (name) => (fields[name] === null ? null : take(name, isNumber)),
    pairs: (name) => take(name, isPairs),
    flag: (name) => take(name, isFlag),
    choice<T extends string>(name: string, choices: readonly T[]): T {
      return take(name, (field): field is T => choices.some((choice) => choice === field));
    },
    object,
    objectOrNull: (name) => (fields[name] === null ? null : object(name)),
    objects: (name) => take(name, Array.isArray).map((one: unknown) => fieldsOf(`${column}, ${name}`, one)),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isPairs = (value: unknown): value is readonly (readonly [number, number])[] =>
  Array.isArray(value) && value.every((one) => Array.isArray(one) && one.length === 2 && one.every(isNumber));

/** What stands there is not what this program writes. */
export function damagedColumn(where: string, cause?: unknown): StoreError {
  return new StoreError('the store is damaged', {
    code: 'store_damaged',
    why: `${where} does not hold what batchctl writes there`,
    next: DAMAGED_STORE,
    cause,
  });
}
