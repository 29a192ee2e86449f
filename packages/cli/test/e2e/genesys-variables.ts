/** The variables of a sandbox without those of the systems beside Genesys: only a test's own webhooks and CRM are there. */
export function genesysVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('GENESYS_')))
}
