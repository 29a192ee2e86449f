export { nodePlatform } from './crypto.ts'
export { type GuardedHttpOptions, guardedHttp, type Lookup } from './guarded-http.ts'
export { nodeHttp, type NodeHttpOptions } from './http.ts'
export { type NodePorts, nodePorts } from './ports.ts'
