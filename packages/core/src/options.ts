/** What checks the options of a factory. */
export * from './domain/options.ts'
export * from './ports/kinds.ts'
