// What a name already means in a template. The last six are values of Liquid itself.
const TAKEN: Readonly<Record<string, string>> = {
  record: 'already holds all columns',
  custom_id: 'is the id of the request where a path is made',
  true: 'is a word of the template language',
  false: 'is a word of the template language',
  nil: 'is a word of the template language',
  null: 'is a word of the template language',
  empty: 'is a word of the template language',
  blank: 'is a word of the template language',
};

/** Why a variable of templates cannot have this name, or null. */
export function takenName(name: string): string | null {
  return Object.hasOwn(TAKEN, name) ? `"${name}" ${TAKEN[name]}` : null;
}
