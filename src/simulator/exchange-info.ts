/** `exchangeInfo` of the simulated exchange. */
import { formatUnits } from './decimal.ts'
import type { ExchangeLimits } from './limits.ts'
import { priceText, quantityText } from './payloads.ts'
import { RestError, type RestParameters } from './rest-request.ts'
import type { SymbolSpec } from './symbols.ts'

const ORDER_TYPES = [
  'LIMIT',
  'LIMIT_MAKER',
  'MARKET',
  'STOP_LOSS',
  'STOP_LOSS_LIMIT',
  'TAKE_PROFIT',
  'TAKE_PROFIT_LIMIT'
]
const STATUSES = ['TRADING', 'HALT', 'BREAK']

function filters(spec: SymbolSpec): unknown[] {
  const tickSize = priceText(spec, 1)
  const stepSize = quantityText(spec, 1)
  return [
    { filterType: 'PRICE_FILTER', minPrice: tickSize, maxPrice: '1000000.00000000', tickSize },
    { filterType: 'LOT_SIZE', minQty: stepSize, maxQty: '92141578.00000000', stepSize },
    { filterType: 'ICEBERG_PARTS', limit: 10 },
    {
      filterType: 'MARKET_LOT_SIZE',
      minQty: formatUnits(0, 0),
      maxQty: '9141578.00000000',
      stepSize: formatUnits(0, 0)
    },
    { filterType: 'MAX_NUM_ORDERS', maxNumOrders: 200 }
  ]
}

function symbolRow(spec: SymbolSpec, permissionSets: boolean): Record<string, unknown> {
  return {
    symbol: spec.symbol,
    status: 'TRADING',
    baseAsset: spec.baseAsset,
    baseAssetPrecision: 8,
    quoteAsset: spec.quoteAsset,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    baseCommissionPrecision: 8,
    quoteCommissionPrecision: 8,
    orderTypes: ORDER_TYPES,
    icebergAllowed: true,
    ocoAllowed: true,
    otoAllowed: true,
    opoAllowed: true,
    quoteOrderQtyMarketAllowed: true,
    allowTrailingStop: true,
    cancelReplaceAllowed: true,
    amendAllowed: true,
    pegInstructionsAllowed: true,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: filters(spec),
    permissions: [],
    permissionSets: permissionSets ? [['SPOT']] : [],
    defaultSelfTradePreventionMode: 'EXPIRE_MAKER',
    allowedSelfTradePreventionModes: ['EXPIRE_TAKER', 'EXPIRE_MAKER', 'EXPIRE_BOTH']
  }
}

export function exchangeInfoBody(options: {
  specs: ReadonlyMap<string, SymbolSpec>
  parameters: RestParameters
  limits: ExchangeLimits
  serverTime: number
}): string {
  const { specs, parameters, limits } = options
  const symbol = parameters.text('symbol')
  const symbols = parameters.list('symbols')
  const permissions = parameters.text('permissions')
  const status = parameters.text('symbolStatus')
  const sets = parameters.flag('showPermissionSets', true)
  parameters.assertAllRead()
  const narrowed = [symbol, symbols, permissions].filter((each) => each !== undefined)
  if (narrowed.length > 1 || (symbol !== undefined && status !== undefined)) {
    throw new RestError(-1128, 'Combination of optional parameters invalid.')
  }
  if (status !== undefined && !STATUSES.includes(status)) {
    throw new RestError(-1122, 'Invalid symbolStatus.')
  }
  const names = symbols ?? (symbol === undefined ? [...specs.keys()] : [symbol])
  const rows = names.map((name) => {
    const spec = specs.get(name)
    if (spec === undefined) throw new RestError(-1121, 'Invalid symbol.')
    return symbolRow(spec, sets)
  })
  const weight = limits.requestWeightPerMinute
  return JSON.stringify({
    timezone: 'UTC',
    serverTime: options.serverTime,
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: weight },
      { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: 100 },
      { rateLimitType: 'ORDERS', interval: 'DAY', intervalNum: 1, limit: 200000 },
      { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: 300000 }
    ],
    exchangeFilters: [],
    symbols: status === undefined || status === 'TRADING' ? rows : []
  })
}
