DROP TABLE ops.storefront_file, ops.storefront_product, ops.storefront_page, ops.storefront_read, ops.storefront_watermark;
