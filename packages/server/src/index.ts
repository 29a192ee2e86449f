export { openApiDocument } from './app.ts'
export { metricsPage } from './metrics/catalogue.ts'
export { type MakePorts } from './connections/open-connections.ts'
export { type Service, type ServiceOptions, startService } from './service.ts'
