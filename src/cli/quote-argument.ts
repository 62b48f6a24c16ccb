/** An argument as a POSIX shell takes it: as it is where it holds nothing special, else in single quotes. */
export function quoteArgument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
