/** For a page or a worker: the ports of the web platform, and a store in `sessionStorage`. */
export { webStorageStore, type WebStorageStoreOptions } from '../stores/web-storage-store.ts'
export type { WebStorage } from '../stores/web-storage.ts'
export { webPlatform } from '../verify/web-crypto.ts'
export { webHttp } from './http.ts'
export { type WebPorts, webPorts } from './ports.ts'
