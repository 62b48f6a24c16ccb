import type { ErrorObject } from 'ajv';

const SHOWN = 5;
const SHOWN_CHARACTERS = 200;

/**
 * What is wrong with an answer in plain words, the first few places of it: a model that is asked again reads them, and
 * so does its user.
 */
export function describeMisfit(errors: readonly ErrorObject[]): string {
  const sentences = [...new Set(errors.map(describe))];
  const more = sentences.length - SHOWN;
  const shown = sentences.slice(0, SHOWN).join('; ');
  return more > 0 ? `${shown}; and ${more} more` : shown;
}

function describe({ instancePath, keyword, params, message }: ErrorObject): string {
  const at = placeOf(instancePath);
  switch (keyword) {
    case 'required':
      return `${at} has no ${quote(params['missingProperty'])}`;
    case 'additionalProperties':
      return `${at} has ${quote(params['additionalProperty'])}, which the schema does not know`;
    case 'unevaluatedProperties':
      return `${at} has ${quote(params['unevaluatedProperty'])}, which the schema does not know`;
    case 'enum':
      return `${at} must be one of ${list(params['allowedValues'])}`;
    case 'const':
      return `${at} must be ${quote(params['allowedValue'])}`;
    case 'type':
      return `${at} must be of type ${[params['type']].flat().join(' or ')}`;
    case 'format':
      return `${at} is not a valid ${String(params['format'])}`;
    default:
      return `${at} ${message ?? 'does not fit'}`;
  }
}

/** `/items/0/unit price` as `items[0]["unit price"]`. */
function placeOf(pointer: string): string {
  if (pointer === '') return 'the answer';
  const keys = pointer.slice(1).split('/');
  return keys
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((key, index) => {
      if (/^\d+$/.test(key)) return `[${key}]`;
      if (/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)) return index === 0 ? key : `.${key}`;
      return `[${quote(key)}]`;
    })
    .join('');
}

function list(values: unknown): string {
  return Array.isArray(values)
    ? cut(values.map((value) => JSON.stringify(value)).join(', '))
    : 'a few values';
}

function quote(value: unknown): string {
  return cut(JSON.stringify(value) ?? 'nothing');
}

function cut(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : text;
}
