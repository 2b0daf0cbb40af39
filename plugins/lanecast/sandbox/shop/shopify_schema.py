"""The part of Shopify's GraphQL Admin schema (2026-07) that the sandbox speaks: names and types are Shopify's.

Where Shopify has an enum of all currencies or countries, here is a scalar: a query does not see the difference.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema, build_schema
from graphql.type import GraphQLAbstractType, GraphQLInterfaceType

VERSION = "2026-07"

_SDL = """
scalar DateTime
scalar Decimal
scalar UnsignedInt64
scalar URL
scalar CurrencyCode
scalar CountryCode

enum OrderSortKeys { CREATED_AT CUSTOMER_NAME DESTINATION FINANCIAL_STATUS FULFILLMENT_STATUS ID ORDER_NUMBER PO_NUMBER
  PROCESSED_AT RELEVANCE TOTAL_ITEMS_QUANTITY TOTAL_PRICE UPDATED_AT }
enum ProductSortKeys { CREATED_AT ID INVENTORY_TOTAL PRODUCT_TYPE PUBLISHED_AT RELEVANCE TITLE UPDATED_AT VENDOR }
enum OrderDisplayFinancialStatus { AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED }
enum OrderDisplayFulfillmentStatus { FULFILLED IN_PROGRESS ON_HOLD OPEN PARTIALLY_FULFILLED PENDING_FULFILLMENT
  REQUEST_DECLINED RESTOCKED SCHEDULED UNFULFILLED }
enum OrderCancelReason { CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF }
enum FulfillmentStatus { CANCELLED ERROR FAILURE OPEN PENDING SUCCESS }
enum ProductStatus { ACTIVE ARCHIVED DRAFT UNLISTED }
enum CountPrecision { AT_LEAST EXACT }

interface Node { id: ID! }

type PageInfo { endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }
type Count { count: Int! precision: CountPrecision! }
type MoneyV2 { amount: Decimal! currencyCode: CurrencyCode! }
type MoneyBag { presentmentMoney: MoneyV2! shopMoney: MoneyV2! }

type MailingAddress implements Node {
  id: ID! firstName: String lastName: String name: String company: String address1: String address2: String
  city: String zip: String province: String provinceCode: String country: String countryCodeV2: CountryCode
  phone: String
}
type CustomerEmailAddress { emailAddress: String! }
type CustomerPhoneNumber { phoneNumber: String! }
type Customer implements Node {
  id: ID! legacyResourceId: UnsignedInt64! displayName: String! firstName: String lastName: String
  defaultEmailAddress: CustomerEmailAddress defaultPhoneNumber: CustomerPhoneNumber defaultAddress: MailingAddress
}

type Order implements Node {
  id: ID! legacyResourceId: UnsignedInt64! name: String! createdAt: DateTime! updatedAt: DateTime!
  processedAt: DateTime! cancelledAt: DateTime cancelReason: OrderCancelReason closedAt: DateTime
  displayFinancialStatus: OrderDisplayFinancialStatus displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  currencyCode: CurrencyCode! presentmentCurrencyCode: CurrencyCode! test: Boolean! edited: Boolean!
  email: String phone: String note: String
  customer: Customer shippingAddress: MailingAddress billingAddress: MailingAddress
  currentTotalPriceSet: MoneyBag! totalPriceSet: MoneyBag!
  lineItems(first: Int, after: String): LineItemConnection!
  refunds(first: Int): [Refund!]!
  fulfillments(first: Int): [Fulfillment!]!
}
type OrderEdge { cursor: String! node: Order! }
type OrderConnection { edges: [OrderEdge!]! nodes: [Order!]! pageInfo: PageInfo! }

type LineItem implements Node {
  id: ID! name: String! title: String! quantity: Int! currentQuantity: Int! refundableQuantity: Int! sku: String
  variantTitle: String vendor: String isGiftCard: Boolean! requiresShipping: Boolean!
  originalUnitPriceSet: MoneyBag! discountedUnitPriceSet: MoneyBag! discountedUnitPriceAfterAllDiscountsSet: MoneyBag!
  product: Product variant: ProductVariant
}
type LineItemEdge { cursor: String! node: LineItem! }
type LineItemConnection { edges: [LineItemEdge!]! nodes: [LineItem!]! pageInfo: PageInfo! }

type Refund implements Node {
  id: ID! legacyResourceId: UnsignedInt64! createdAt: DateTime updatedAt: DateTime! note: String
  totalRefundedSet: MoneyBag! refundLineItems(first: Int, after: String): RefundLineItemConnection!
}
type RefundLineItem { id: ID lineItem: LineItem! quantity: Int! priceSet: MoneyBag! subtotalSet: MoneyBag! }
type RefundLineItemEdge { cursor: String! node: RefundLineItem! }
type RefundLineItemConnection { edges: [RefundLineItemEdge!]! nodes: [RefundLineItem!]! pageInfo: PageInfo! }

type FulfillmentTrackingInfo { company: String number: String url: URL }
type Fulfillment implements Node {
  id: ID! legacyResourceId: UnsignedInt64! name: String! createdAt: DateTime! updatedAt: DateTime!
  status: FulfillmentStatus! deliveredAt: DateTime trackingInfo(first: Int): [FulfillmentTrackingInfo!]!
}

type ProductPriceRangeV2 { maxVariantPrice: MoneyV2! minVariantPrice: MoneyV2! }
type Product implements Node {
  id: ID! legacyResourceId: UnsignedInt64! title: String! handle: String! vendor: String! productType: String!
  status: ProductStatus! createdAt: DateTime! updatedAt: DateTime! publishedAt: DateTime tags: [String!]!
  totalInventory: Int! tracksInventory: Boolean! priceRangeV2: ProductPriceRangeV2!
  variantsCount(limit: Int = 10000): Count variants(first: Int, after: String): ProductVariantConnection!
}
type ProductEdge { cursor: String! node: Product! }
type ProductConnection { edges: [ProductEdge!]! nodes: [Product!]! pageInfo: PageInfo! }
type ProductVariant implements Node {
  id: ID! title: String! sku: String price: Decimal! inventoryQuantity: Int availableForSale: Boolean!
  product: Product!
}
type ProductVariantEdge { cursor: String! node: ProductVariant! }
type ProductVariantConnection { edges: [ProductVariantEdge!]! nodes: [ProductVariant!]! pageInfo: PageInfo! }

type Shop implements Node { id: ID! name: String! currencyCode: CurrencyCode! ianaTimezone: String! }

type QueryRoot {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  order(id: ID!): Order
  orders(first: Int, after: String, query: String, sortKey: OrderSortKeys = PROCESSED_AT, reverse: Boolean = false):
    OrderConnection!
  ordersCount(limit: Int = 10000, query: String): Count
  product(id: ID!): Product
  products(first: Int, after: String, query: String, sortKey: ProductSortKeys = ID, reverse: Boolean = false):
    ProductConnection!
  productsCount(limit: Int = 10000, query: String): Count
  shop: Shop!
}
schema { query: QueryRoot }
"""


@cache
def schema() -> GraphQLSchema:
    """The schema. What stands behind a Node is told by its `type_name`."""
    made = build_schema(_SDL)
    node = made.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    node.resolve_type = _type_of
    for name in ("Decimal", "UnsignedInt64", "DateTime", "URL"):
        assert name in made.type_map
    return made


def _type_of(value: object, info: GraphQLResolveInfo[Any], kind: GraphQLAbstractType) -> str:
    return str(getattr(value, "type_name"))  # noqa: B009 - objects of many classes come here
