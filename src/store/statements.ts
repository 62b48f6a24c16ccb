import type { Statement } from 'better-sqlite3';
import type { Db } from './open.ts';

type Compiled = Statement<unknown[]>;

/**
 * Makes `db` compile each statement that is prepared from here on at its first use: the store has 150, and `list` runs six.
 * The first that writes has all of them compiled before it, so that a database which one of them does not fit is never
 * written to. Returns what does so at once; it throws what SQLite says of the first that does not fit.
 */
export function compileAtFirstUse(db: Db): () => void {
  const compile = db.prepare.bind(db);
  const waiting = new Set<StatementAtFirstUse>();

  function compileAll(): void {
    // Kept only when each has passed: one that writes must not slip through after another did not.
    const compiled = [...waiting].map((one) => [one, compile<unknown[]>(one.sql)] as const);
    for (const [one, statement] of compiled) one.take(statement);
    waiting.clear();
  }

  function compileOne(one: StatementAtFirstUse): void {
    const statement = compile<unknown[]>(one.sql);
    if (statement.readonly) {
      one.take(statement);
      waiting.delete(one);
    } else compileAll();
  }

  const prepareLater = (sql: string): StatementAtFirstUse => {
    const one = new StatementAtFirstUse(sql, compileOne);
    waiting.add(one);
    return one;
  };
  // It has what the store asks of a statement; rows and parameters are what its caller says, as those of any statement.
  db.prepare = prepareLater as unknown as Db['prepare'];
  return compileAll;
}

class StatementAtFirstUse implements Pick<Compiled, 'run' | 'get' | 'all' | 'iterate'> {
  readonly sql: string;
  readonly #compile: (self: StatementAtFirstUse) => void;
  #compiled: Compiled | null = null;
  #isPlucked = false;

  constructor(sql: string, compile: (self: StatementAtFirstUse) => void) {
    this.sql = sql;
    this.#compile = compile;
  }

  take(compiled: Compiled): void {
    this.#compiled = this.#isPlucked ? compiled.pluck() : compiled;
  }

  pluck(): this {
    this.#isPlucked = true;
    return this;
  }

  run(...params: unknown[]) {
    return this.#ready().run(...params);
  }

  get(...params: unknown[]) {
    return this.#ready().get(...params);
  }

  all(...params: unknown[]) {
    return this.#ready().all(...params);
  }

  iterate(...params: unknown[]) {
    return this.#ready().iterate(...params);
  }

  #ready(): Compiled {
    if (this.#compiled === null) this.#compile(this);
    if (this.#compiled === null) throw new Error(`a statement was not compiled: ${this.sql}`);
    return this.#compiled;
  }
}
