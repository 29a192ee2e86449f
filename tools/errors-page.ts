/** Faults between the error catalogue and its page: every code stands once as a row `| \`code\` |`, and no other. */
export function errorPageFaults(codes: readonly string[], page: string): string[] {
  const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code ?? '')
  return [
    ...codes.filter((code) => !rows.includes(code)).map((code) => `docs/errors.md: ${code} is missing`),
    ...rows.filter((code) => !codes.includes(code)).map((code) => `docs/errors.md: ${code} is not in the catalogue`),
    ...rows.filter((code, at) => rows.indexOf(code) !== at).map((code) => `docs/errors.md: ${code} stands twice`),
  ]
}
