/** What checks the options of a factory. */
export * from './domain/options.ts'
export { isScope } from './domain/scopes.ts'
export * from './ports/schemas.ts'
