// What sends requests. It is imported for the first request, so that a process starts sooner.
export { Agent } from 'undici'
export { connector } from './connector.ts'
