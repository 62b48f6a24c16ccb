/** A JSON Schema that cannot be used: where in it, as a pointer (`#/properties/name`), and why. */
export class SchemaError extends Error {
  readonly place: string;
  readonly problem: string;

  constructor(place: string, problem: string) {
    super(place === '#' ? problem : `${place}: ${problem}`);
    this.name = 'SchemaError';
    this.place = place;
    this.problem = problem;
  }
}
