/** A value of a table: a bigint is an INTEGER, a number a REAL. */
export type TableValue = string | number | bigint | null;

/** Begins a table. `private`: nobody else may read the file. @throws UsageError, StoreError */
export type CreateTable = (
  columns: readonly string[],
  options: { readonly private: boolean },
) => ResultsTable;

/** A database with one table, `results`, that appears under its name when it is whole. */
export interface ResultsTable {
  /** Rows in the order of the columns. @throws StoreError when the disk refuses. */
  add(rows: readonly (readonly TableValue[])[]): void;
  /** Gives the file its name; what stood there is replaced. */
  finish(): void;
  /** Removes what was written; does nothing after `finish`. */
  discard(): void;
}
