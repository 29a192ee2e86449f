/** What a page needs of the library to sign its user in and to start a chat as an external user. */
export { connection, resolveHosts, webPorts, webStorageStore } from '../../src/index.ts'
