"""Every call declares at least the points that it can cost, and none is beyond what the vendor allows at once."""

import pytest
from graphql import OperationDefinitionNode, get_operation_ast, parse, validate
from graphql.language import FragmentDefinitionNode

from connectors.shopify.shopify_world import SPECS
from crossdock.connectors.shopify import account, fulfilment, places, polling, stock, webhooks
from crossdock.simulation.shop.api.cost import OPERATION_POINTS_MAX, Meter
from crossdock.simulation.shop.api.schema import load_checks, minimal_checks

CALLS = {
    "shop": (account.SHOP, account.SHOP_POINTS),
    "items": (account.ITEMS, account.ITEMS_POINTS),
    "locations": (places.LOCATIONS, places.LOCATIONS_POINTS),
    "orders": (polling.ORDERS, polling.PAGE_POINTS),
    "more lines": (polling.MORE_LINES, polling.LINES_POINTS),
    "levels": (stock.LEVELS, stock.LEVEL_POINTS * stock.READ_MAX),
    "set": (stock.SET, stock.SET_POINTS),
    "works": (fulfilment.WORKS, fulfilment.WORKS_POINTS),
    "more parts": (fulfilment.MORE_PARTS, fulfilment.PARTS_POINTS),
    "parcels": (fulfilment.PARCELS, fulfilment.PARCELS_POINTS),
    "create": (fulfilment.CREATE, fulfilment.CREATE_POINTS),
    "subscriptions": (webhooks.SUBSCRIPTIONS, webhooks.SUBSCRIPTIONS_POINTS),
    "subscribe": (webhooks.CREATE, webhooks.CHANGE_POINTS),
    "resubscribe": (webhooks.UPDATE, webhooks.CHANGE_POINTS),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_declares_what_it_can_cost(name: str) -> None:
    text, declared = CALLS[name]
    document = parse(text)
    operation = get_operation_ast(document)
    assert isinstance(operation, OperationDefinitionNode)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}

    requested = Meter(load_checks(SPECS).schema, fragments, {"ids": ["gid"] * stock.READ_MAX}).requested(operation)

    assert requested <= declared <= OPERATION_POINTS_MAX


@pytest.mark.parametrize("name", CALLS)
def test_a_call_passes_the_vendor_s_checks_and_ours(name: str) -> None:
    document = parse(CALLS[name][0])

    assert validate(load_checks(SPECS).schema, document) == []
    assert validate(minimal_checks().schema, document) == []
