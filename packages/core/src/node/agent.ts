// What sends requests, apart from what a process needs at its start.
export { Agent } from 'undici'
export { connector } from './connector.ts'
