import { createPrivateKey, createPublicKey } from 'node:crypto'
import { cert, key } from '../node/tls-certificate.ts'
import type { Jwk } from '../../src/verify/keys.ts'
import type { Pair } from './material.ts'

/** A self-signed certificate of an RSA key for tests alone, of version 1, which has no version field. */
const rsaCertificate = `
-----BEGIN CERTIFICATE-----
MIICuzCCAaMCFCyAUCMkeC35WOPD7A5PrI08YKMEMA0GCSqGSIb3DQEBCwUAMBkx
FzAVBgNVBAMMDmd1ZXN0cGFzcy10ZXN0MCAXDTI2MTEyODIxMDk1NVoYDzIxMjYx
MTA0MjEwOTU1WjAZMRcwFQYDVQQDDA5ndWVzdHBhc3MtdGVzdDCCASIwDQYJKoZI
hvcNAQEBBQADggEPADCCAQoCggEBALHy9NQ8nG4qG1vPqRiOR4vJ6PIOg97lGXmk
8TbtgHtwyoy2kCMm8eNdsySfevEIluMUN+8eDtF+B2ElV1XNaU2/d8Z7/ecrZ0WW
fLty7u41SIOdIld2sBz+1l0UXFl8lgJytC55K0/fWhamlmxNMNy9jSFZiQFYkzNA
f5rVGtsYNEAfX8y0txUUqlZwl+uy4YlDIS8gOGYdzTe+8bEDZZDnPUh1wkMhFl49
rahL/u1ZXV/PP+bZT/EwrXqMf+sGOsNxDRe9hkGtYMf5gtsLSF/A8+GZ/w/MB7oh
MtngyqB+vxxhxKBsBvZffg/SnhlF82nUyWVLBq52xAQ7gOT1ImcCAwEAATANBgkq
hkiG9w0BAQsFAAOCAQEAOI9j+3bo5y9bEpmhc7racrQeaiGdDW+IYiT5W6FISOTh
jH7QjQTUL+PeEEWHTQXj6bdte5zAi9hHSvRn6U/9iQz/MQDD6V44wzT6AMu3Rpra
OFqO+iFD4lzPuB0Ogv9PBkJu+kkc+X45LhX+kg+Z743nZ+CLh67XIGiPN6g3x7aW
Nydjl8eIYnhgugGlNzGSGgUvQ8EnbMNlpzF2wI1BW1F6E/LkPo2f8jR0G1Nfz8Na
Um669+dDTAA6V8wvT04I76O8aShEgxiBK8jVHvm4gW6vwBLkBT2Of0hMFiTyD8Br
S/9qdN4eLSAcUMFH1PJ0qetxJjY61njll1LZeFnwQA==
-----END CERTIFICATE-----
`
const rsaKey = `
-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCx8vTUPJxuKhtb
z6kYjkeLyejyDoPe5Rl5pPE27YB7cMqMtpAjJvHjXbMkn3rxCJbjFDfvHg7Rfgdh
JVdVzWlNv3fGe/3nK2dFlny7cu7uNUiDnSJXdrAc/tZdFFxZfJYCcrQueStP31oW
ppZsTTDcvY0hWYkBWJMzQH+a1RrbGDRAH1/MtLcVFKpWcJfrsuGJQyEvIDhmHc03
vvGxA2WQ5z1IdcJDIRZePa2oS/7tWV1fzz/m2U/xMK16jH/rBjrDcQ0XvYZBrWDH
+YLbC0hfwPPhmf8PzAe6ITLZ4Mqgfr8cYcSgbAb2X34P0p4ZRfNp1MllSwaudsQE
O4Dk9SJnAgMBAAECggEADoPncFKGCL8a3okuCBM/Bx+QBq1Ow2/uUou0+LU0gvKH
NdAvKgw4tJewOl9fQL8Mc8xykujhmOQOB7YV4tQFGshF+w+ifT3/SAqySlC3Patk
qrEMG+n8tqNw6pnJE1buyOyrVukfsn22abJAAz3kAPWInWeiHdUoTgjHqo0R35Io
hU717S1ErJQ6KXhKgp1ODxzkKV9KNR4p3wAbrlzO+TEbIaFoQlawNX/H4tVDDNvu
9Gl4qu7t+FpX0+f/YRxu3uPnKM4s6ZiemO343ult3ExWxcMR0kyij/usRL1bHDkT
IVRx20Kgi3AXSFB+s12KKcW8vKJRHbH1IjyABCzKbQKBgQDdJzMMch3KQMAinPaW
Z4CY4GrNfj5Hf8c4CMGRunbU9tB4fWDAa2oSaP7rhq/6xXcCUpsBG6mE6f/nADAB
gDf/0ndeeJuKaceaAcJ3+TTwGNEq/kPm2wjsd58QuP2x23lvttwYZS37XNjnCLFN
WvEAG3wkwuuNc8PBUOlX24wtgwKBgQDN/QFmo1h+nXSekMY0TEOuxrKL2cXoKidJ
P+k8wk3U7gQ0aIkBLzNMQnDSjy9+ABsw/2BEK2+6VWqJBqoztQRDtIs3+D5rLWhZ
YVwsTi9Y328E5QEEmCe/zfI8CC3VMjpYStRBcqY38M+HRv277EjbfaoFGjOWob4C
TNOlCq4mTQKBgQDSfISxy8tevNIiH5LzA//5gV8lxoowMwXB51OVCAwiFefFRk/X
1GRYsWYvdTn5TAhBRa4SF+n4f1741czbINYrvn2uhMxFqPg5NIOK/L3N51DtwqOO
DdsodZIHsIqFxYaHNVu2PFbPb0diXXujTHMkzwQRWRQoxY4DaKcu399DUQKBgDph
/lan73obiKU0pWjHQNu1p39p3uT5pZ7mRWYaMFMsjvaHtmUmiqSPpEiZmr1crFhL
2W4Y3ZbzhLmHsQ/su2OxNVBMxOw9t3i11pkcI+FNmrrJaWty8Lk1VvXa35qwnMbP
lq9iHmh2kWtnHJ150ACd8mV10q9b8m3Wdpotl8R1AoGBAIj1H1VqIPyV12IIyDX4
1QXWr79AllfgQeFFM2287jjL1tVk6ytTBWLRJt+iOxHCoFJmN3SluvCDGEjccacf
feQrCOuo4+n0deDuBD/lVhrR5+x491KUCU8G99KuFJ3lDwUccKatHO2pma8gZVoZ
/0p+WQ++o2FnuglE7HcYNmwc
-----END PRIVATE KEY-----
`

function pairOf(pem: string, alg: Pair['alg']): Pair {
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  return { alg, privateKey, publicKey, jwk: publicKey.export({ format: 'jwk' }) as Jwk }
}

/** Certificates and the keys that they certify. */
export const certificates = {
  rsa: { certificate: rsaCertificate.trimStart(), key: pairOf(rsaKey.trimStart(), 'RS256') },
  ec: { certificate: cert, key: pairOf(key, 'ES256') },
} as const
