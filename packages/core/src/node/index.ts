export { nodePlatform } from './crypto.ts'
export { nodeHttp, type NodeHttpOptions } from './http.ts'
export { type NodePorts, nodePorts } from './ports.ts'
